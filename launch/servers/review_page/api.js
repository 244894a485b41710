// The server as the page sees it. The token comes in the URL's fragment, is kept for this tab, and leaves
// the address bar at once, so that it is in no history, bookmark or Referer.
const KEY = "psyche-rl review token";

const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  sessionStorage.setItem(KEY, given);
  history.replaceState(null, "", location.pathname);
}

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const setToken = (token) => sessionStorage.setItem(KEY, token.trim());

export const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function call(path, body) {
  const options = { headers: { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` } };
  if (body) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let reply;
  try {
    reply = await fetch(path, options);
  } catch {
    throw new Refused(0, "the server does not answer; nothing was saved");
  }
  const said = await reply.json().catch(() => ({}));
  if (!reply.ok) {
    const why = typeof said.detail === "string" ? said.detail : JSON.stringify(said.detail ?? reply.statusText);
    throw new Refused(reply.status, why);
  }
  return said;
}

export const fetchQueue = () => call("/api/queue");
export const fetchItem = (id) => call(`/api/items/${encodeURIComponent(id)}`);
export const decide = (ruling) => call("/api/decisions", ruling);
