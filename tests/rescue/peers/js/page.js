// A peer in a web page: does the task with the WebSocket of the browser and resolves to its report.
(url, task, patience) =>
  new Promise((done) => {
    const report = { stage: "opening", heard: [], pongs: [], code: null, words: "", hung: false };
    const binary = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    let socket;
    const finish = () => {
      clearTimeout(timer);
      done(report);
    };
    const timer = setTimeout(() => {
      report.hung = true;
      finish();
      try {
        socket.close();
      } catch {}
    }, patience * 1000);
    const perhapsClose = () => {
      if (report.stage !== "talking" || report.heard.length < task.hears) return;
      report.stage = "closing";
      if (task.closes) socket.close(1000);
    };
    try {
      socket = new WebSocket(url, task.subprotocols);
    } catch (error) {
      report.words = error.message;
      return finish();
    }
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      report.stage = "talking";
      for (const m of task.says) socket.send(m.text !== undefined ? m.text : binary(m.binary));
      perhapsClose();
    };
    socket.onmessage = ({ data }) => {
      const bytes = typeof data === "string" ? null : String.fromCharCode(...new Uint8Array(data));
      report.heard.push(bytes === null ? { text: data } : { binary: btoa(bytes) });
      perhapsClose();
    };
    socket.onclose = ({ code, reason, wasClean }) => {
      report.code = code;
      const fault = [1002, 1003, 1007, 1009].includes(code);
      if (fault) report.words = `Close ${code} ${reason}`.trim();
      if (wasClean && !fault && report.stage !== "opening") report.stage = "closed";
      finish();
    };
  })
