/**
 * The live stream: server-sent events read with `fetch`, so that this page, not the browser, decides when a connection counts as dead.
 *
 * The service beats every 5 s. A connection on which nothing was heard for 11 s (two beats missed) is cut and made anew from the last
 * position (`Last-Event-ID`); so is one that ends. Nothing is missed in between; where the position is too old, `reset` comes first.
 */

export const SILENT_MS = 11_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 2_000;

/**
 * @typedef {object} Listener
 * @property {(type: string, data: any) => void} event
 * @property {() => void} heard      any sign of life
 * @property {() => Promise<void>} opened   a connection without a position stands: load what it builds upon
 * @property {() => void} broken     the connection ended; the next one is being made
 * @property {() => void} refused    the session is over (401)
 */

/**
 * Splits a server-sent event stream as it comes in (WHATWG HTML 9.2.6). Feed it text, in any pieces.
 * @param {(type: string, data: string, id: string) => void} dispatch
 */
export function eventParser(dispatch) {
  let rest = "";
  let type = "";
  let data = "";
  let id = "";
  /** @param {string} chunk */
  return (chunk) => {
    const lines = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data) dispatch(type || "message", data.slice(0, -1), id);
        type = data = "";
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") type = value;
      else if (field === "data") data += `${value}\n`;
      else if (field === "id") id = value;
    }
  };
}

/** Follows the stream until told to stop. @param {Listener} listener @returns {() => void} stops it */
export function follow(listener) {
  let position = "";
  let stopped = false;
  let current = new AbortController();

  async function connection() {
    current = new AbortController();
    let watchdog = 0;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => current.abort(), SILENT_MS);
    };
    alive();
    try {
      const response = await fetch("/api/v1/stream", {
        credentials: "same-origin",
        cache: "no-store",
        signal: current.signal,
        headers: { Accept: "text/event-stream", ...(position ? { "Last-Event-ID": position } : {}) },
      });
      if (response.status === 401) {
        stopped = true;
        listener.refused();
        return;
      }
      if (!response.ok || !response.body) throw new Error(`the stream answered ${response.status}`);
      alive();
      const parse = eventParser((type, data, id) => {
        if (id) position = id;
        listener.event(type, JSON.parse(data));
      });
      if (!position) await listener.opened();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        alive();
        listener.heard();
        parse(value);
      }
    } finally {
      clearTimeout(watchdog);
      current.abort();
    }
  }

  async function run() {
    let pause = FIRST_PAUSE_MS;
    while (!stopped) {
      const began = performance.now();
      await connection().catch(() => undefined);
      if (stopped) return;
      listener.broken();
      // A connection that held a while was a good one: the next is tried at once.
      pause = performance.now() - began > 10_000 ? FIRST_PAUSE_MS : Math.min(pause * 2, LONGEST_PAUSE_MS);
      await new Promise((resume) => setTimeout(resume, pause));
    }
  }

  run();
  return () => {
    stopped = true;
    current.abort();
  };
}
