/* The studio's routes, as this room asks them: what a route answers, or {error} in words where it could not. */

export const STUDIO = new URL("studio/", document.baseURI).href;
const SILENT = "The studio does not answer. Is it still running? What you typed is kept; try again when it is back.";

const told = (asked) => asked.then((response) => response.json()).catch(() => ({ error: SILENT, silent: true }));

export const get = (path) => told(fetch(`${STUDIO}${path}`, { cache: "no-store" }));

export const send = (path, body) => told(fetch(`${STUDIO}${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }));

export const upload = (path, file) => told(fetch(`${STUDIO}${path}`, { method: "PUT", body: file }));
