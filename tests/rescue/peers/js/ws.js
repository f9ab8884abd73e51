// Peers made with ws. Argument: the folder ws is in, then certificate and key of a TLS server (both or none).
// Prints the ports of its servers, then takes jobs as lines of JSON: {id, url, task} to be a client,
// {id, path, task} to expect one; prints {id, report, over} whenever a report changed.
const [folder, certificate, key] = process.argv.slice(2);
const fs = require("fs");
const readline = require("readline");
const WebSocket = require(require.resolve("ws", { paths: [folder] }));

const FAULTS = [1002, 1003, 1007, 1009];
const decode = (m) => (m.text !== undefined ? m.text : Buffer.from(m.binary, "base64"));
const encode = (data, binary) => (binary ? { binary: data.toString("base64") } : { text: data.toString() });

function visit(id) {
  const report = { stage: "opening", heard: [], pongs: [], code: null, words: "" };
  const tell = (over = false) => console.log(JSON.stringify({ id, report, over }));
  return { report, tell };
}

function hold(socket, task, { report, tell }) {
  const perhapsClose = () => {
    const all = report.heard.length >= task.hears && report.pongs.length >= task.pings.length;
    if (report.stage !== "talking" || !all) return;
    report.stage = "closing";
    if (task.closes) socket.close(1000);
  };
  const begin = () => {
    report.stage = "talking";
    for (const message of task.says) socket.send(decode(message));
    for (const payload of task.pings) socket.ping(payload);
    perhapsClose();
    tell();
  };
  socket.on("message", (data, binary) => {
    report.heard.push(encode(data, binary));
    if (task.echoes) socket.send(data, { binary });
    perhapsClose();
    tell();
  });
  socket.on("pong", (data) => {
    report.pongs.push(data.toString());
    perhapsClose();
    tell();
  });
  socket.on("error", (error) => {
    report.words = report.words || error.message || error.code || "failed";
    tell();
  });
  socket.on("close", (code, reason) => {
    report.code = code;
    if (FAULTS.includes(code)) report.words = report.words || `Close ${code} ${reason}`.trim();
    if (code !== 1006 && !report.words && report.stage !== "opening") report.stage = "closed";
    else report.words = report.words || "ended without a Close frame";
    tell(true);
  });
  if (socket.readyState === WebSocket.OPEN) begin();
  else socket.on("open", begin);
}

const expected = new Map();

function serve(http) {
  // Its own closing timeout is 30 s: longer than anybody here waits.
  const server = new WebSocket.WebSocketServer({ server: http });
  server.on("connection", (socket, request) => {
    const job = expected.get(request.url.split("?")[0]);
    if (job) hold(socket, job.task, visit(job.id));
    else socket.on("error", () => {});
  });
  return new Promise((done) => http.listen(0, "127.0.0.1", () => done(http.address().port)));
}

async function main() {
  const ports = [await serve(require("http").createServer())];
  if (certificate) {
    const pair = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) };
    ports.push(await serve(require("https").createServer(pair)));
  }
  console.log(JSON.stringify(ports));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const job = JSON.parse(line);
    if (job.path) {
      expected.set(job.path, job);
      visit(job.id).tell();
    } else {
      const made = visit(job.id);
      try {
        hold(new WebSocket(job.url, job.task.subprotocols), job.task, made);
      } catch (error) {
        made.report.words = error.message;
        made.tell(true);
      }
    }
  }
  process.exit(0);
}

process.on("uncaughtException", (error) => console.error(error));
main();
