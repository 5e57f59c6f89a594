/* What this browser tab keeps: which run is in hand, and for each run its panes and what was said. */

const KEY = "atelier-compare";
const MOST_ROOMS = 6;
const LATER = 400; // ms

export const BASE = "base", TUNED = "tuned";

export const newPane = (id, run, part, more = {}) => ({
  id, run, part, strength: 1, mixed: [], how: "linear", density: 0.5, shots: null, system: "", ...more,
});

export const newRoom = (run) => ({
  panes: [newPane(BASE, run, "base"), newPane(TUNED, run, "result")], turns: [], system: "", draft: null, at: -1, row: null, count: 2,
});

const fresh = () => ({ run: "", pushed: "", rooms: {}, settings: {}, differences: true, sure: false });

export const restored = () => {
  try {
    const state = { ...fresh(), ...JSON.parse(sessionStorage.getItem(KEY) || "{}") };
    for (const { turns } of Object.values(state.rooms)) {
      for (const answer of turns.flatMap((turn) => Object.values(turn.answers))) delete answer.growing;
    }
    return state;
  } catch {
    return fresh();
  }
};

let waiting = null;

export const keep = (state) => {
  clearTimeout(waiting);
  waiting = setTimeout(() => keepNow(state), LATER);
};

/* As much as the browser has room for: first the tokens' probabilities go, then the conversations of other runs. */
export const keepNow = (state) => {
  const rooms = Object.entries(state.rooms).slice(-MOST_ROOMS);
  const mine = rooms.filter(([run]) => run === state.run);
  for (const some of [rooms, rooms.map(lean), mine.map(lean)]) {
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ ...state, rooms: Object.fromEntries(some) }));
      return true;
    } catch { /* full */ }
  }
  return false;
};

const lean = ([run, room]) => [run, {
  ...room,
  turns: room.turns.map((turn) => ({
    ...turn,
    answers: Object.fromEntries(Object.entries(turn.answers).map(([pane, answer]) => [pane, { ...answer, pieces: [] }])),
  })),
}];
