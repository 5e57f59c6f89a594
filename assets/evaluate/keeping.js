/* What the room is looking at, kept in this browser tab, so that a reload shows the same. */

import { newRowsView } from "./rows.js";

const KEY = "atelier-evaluate";

const fresh = () => ({ run: "", pushed: "", chosen: {}, view: "scores", open: [], rows: newRowsView(), slices: { by: "" }, within: null });

export const restored = () => {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) || "{}");
    return { ...fresh(), ...kept, rows: { ...newRowsView(), ...kept.rows } };
  } catch {
    return fresh();
  }
};

export const keep = (state) => {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(state));
  } catch { /* full or forbidden: a reload begins anew */ }
};
