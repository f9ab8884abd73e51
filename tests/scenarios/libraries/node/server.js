// A server of the dialogue, made with ws. Arguments: the folder ws is in, certificate and key (both or none).
// Prints its port.
const [folder, certificate, key] = process.argv.slice(2);
const fs = require("fs");
const { WebSocketServer } = require(require.resolve("ws", { paths: [folder] }));
const http = certificate
  ? require("https").createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) })
  : require("http").createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: true });
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => {
    const text = binary ? null : data.toString();
    if (text === "ping me") {
      socket.once("pong", () => socket.send("pong seen"));
      socket.ping("are you there");
    } else if (text === "goodbye") socket.close(4001, "enough");
    else socket.send(data, { binary });
  });
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
