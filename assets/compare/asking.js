/* The studio's routes: questions whose answers come line by line, and small requests. */

export const STUDIO = new URL("studio/", document.baseURI).href;
const SILENT = "The studio does not answer. Is it still running? Your prompt is kept: send it again when it is back.";
const BROKEN = "The answer broke off: the studio went away. Send again when it is back.";

const post = (path, body, signal) =>
  fetch(`${STUDIO}${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });

/* What a route answers; {error} in words where it could not. */
export const get = (path) =>
  fetch(`${STUDIO}${path}`, { cache: "no-store" }).then((response) => response.json()).catch(() => ({ error: SILENT }));

export const send = (path, body) => post(path, body).then((response) => response.json()).catch(() => ({ error: SILENT }));

/* Ask, and call hear.note, hear.said, hear.done or hear.failed for each line; the last is one of the latter two. */
export const ask = async (question, hear, signal, path = "compare/ask") => {
  let response;
  try {
    response = await post(path, question, signal);
  } catch {
    return hear.failed({ error: SILENT });
  }
  if (!response.ok || !response.body) {
    return hear.failed(await response.json().catch(() => ({ error: SILENT })));
  }
  let over = false;
  const tell = (line) => {
    if (!line.trim()) return;
    const told = JSON.parse(line);
    over ||= told.kind === "done" || told.kind === "failed";
    hear[told.kind]?.(told);
  };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      lines.forEach(tell);
    }
  } catch { /* told below */ }
  if (!over) hear.failed({ error: BROKEN });
};
