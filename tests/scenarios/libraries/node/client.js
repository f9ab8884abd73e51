// A client of the dialogue, made with ws. Arguments: the folder ws is in, the URL, a CA file (or none).
// Reads the binary message from stdin, prints the report as JSON.
const [folder, url, ca] = process.argv.slice(2);
const fs = require("fs");
const { createHash } = require("crypto");
const { once } = require("events");
const WebSocket = require(require.resolve("ws", { paths: [folder] }));

async function message(socket) {
  const [data] = await once(socket, "message");
  return data;
}

async function main() {
  const big = fs.readFileSync(0);
  const options = { perMessageDeflate: true, ...(ca ? { ca: fs.readFileSync(ca) } : {}) };
  const socket = new WebSocket(url, options);
  const closed = once(socket, "close");
  const report = {};
  await once(socket, "open");
  socket.send("grüße, 世界");
  report.text = (await message(socket)).toString();
  socket.send(big);
  report.big = createHash("sha256").update(await message(socket)).digest("hex");
  socket.send("in ", { fin: false });
  socket.send("three ", { fin: false });
  socket.send("pieces", { fin: true });
  report.fragments = (await message(socket)).toString();
  socket.ping("x");
  report.pong = (await once(socket, "pong"))[0].toString() === "x";
  socket.send("ping me");
  report.ping_me = (await message(socket)).toString();
  socket.send("goodbye");
  const [code, reason] = await closed;
  console.log(JSON.stringify({ ...report, code, reason: reason.toString() }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
