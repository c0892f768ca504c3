// A graph of states made ready to be drawn: layers by the distance from the start, and the names of the ways where there is room.

import { say } from "./i18n.svelte";
import type { Graph } from "./types";

export interface Placed { x: number; y: number }
export interface Way { from: number; to: number; name: string; path: boolean; curve: string; at: Placed | null }

/// So many states can be drawn with the names of the ways between them; of more, only the path has names, the others by touch.
const NAMED = 16;
const ROW = 96;
const [WIDE, HIGH] = [86, 20];

/// States in layers by their distance from the start.
export function place(graph: Graph): { places: Placed[]; width: number; height: number } {
  const layer = graph.states.map(() => -1);
  const line = graph.states.flatMap((state, index) => (state.mark === "start" ? [index] : []));
  if (line.length === 0 && graph.states.length > 0) line.push(0);
  line.forEach((index) => (layer[index] = 0));
  for (let at = 0; at < line.length; at++) {
    for (const edge of graph.edges) if (edge.from === line[at] && layer[edge.to] < 0) { layer[edge.to] = layer[edge.from] + 1; line.push(edge.to); }
  }
  const rows: number[][] = [];
  layer.forEach((depth, index) => (rows[Math.max(depth, 0)] ??= []).push(index));
  const most = Math.max(...rows.map((row) => row?.length ?? 0), 1);
  const width = Math.max(most * 216, 420);
  const places: Placed[] = [];
  rows.forEach((row, depth) => row.forEach((index, at) => (places[index] = { x: (width * (at + 0.5)) / row.length, y: 32 + depth * ROW })));
  return { places, width, height: rows.length * ROW + 10 };
}

/// Ways between the same two states are drawn as one, with all their names.
export function ways(graph: Graph, places: Placed[]): Way[] {
  const found = new Map<string, { from: number; to: number; names: string[] }>();
  for (const edge of graph.edges) {
    if (edge.from === edge.to) continue;
    const key = `${edge.from} ${edge.to}`;
    const one = found.get(key);
    if (one) one.names.push(say(edge.label));
    else found.set(key, { from: edge.from, to: edge.to, names: [say(edge.label)] });
  }
  const taken: Box[] = places.map(({ x, y }) => ({ left: x - WIDE, right: x + WIDE, top: y - HIGH, bottom: y + HIGH }));
  const all = [...found.values()].map(({ from, to, names }) => ({ from, to, name: names.join(" / "), path: graph.path.some((state, index) => state === from && graph.path[index + 1] === to), back: found.has(`${to} ${from}`) && from > to }));
  // The path's own names have the first choice.
  const named = [...all].sort((a, b) => Number(b.path) - Number(a.path));
  const drawn = new Map(named.map((way) => {
    const { curve, point } = course(places[way.from], places[way.to], way.back);
    const wanted = graph.states.length <= NAMED || way.path;
    return [way, { curve, at: wanted ? free(way.name, point, taken) : null }] as const;
  }));
  return all.map((way) => ({ from: way.from, to: way.to, name: way.name, path: way.path, ...drawn.get(way)! }));
}

interface Box { left: number; right: number; top: number; bottom: number }

/// A way from the edge of one state to the edge of another, and the points on it.
function course(a: Placed, b: Placed, back: boolean): { curve: string; point: (part: number) => Placed } {
  const down = Math.sign(b.y - a.y);
  const side = down === 0 ? (b.x > a.x ? 1 : -1) : 0;
  const [x1, y1, x2, y2] = [a.x + side * WIDE, a.y + down * HIGH, b.x - side * WIDE, b.y - down * HIGH];
  const bend = back ? 34 : 0;
  const [cx, cy] = [(x1 + x2) / 2 + bend, (y1 + y2) / 2 + (down === 0 ? bend : 0)];
  const point = (part: number) => {
    const rest = 1 - part;
    return { x: rest * rest * x1 + 2 * rest * part * cx + part * part * x2, y: rest * rest * y1 + 2 * rest * part * cy + part * part * y2 };
  };
  return { curve: `M${x1} ${y1}Q${cx} ${cy} ${x2} ${y2}`, point };
}

/// Where a name of that length stands alone, if anywhere.
function free(name: string, point: (part: number) => Placed, taken: Box[]): Placed | null {
  const wide = [...name].reduce((sum, sign) => sum + (sign > "\u2e80" ? 11 : 6), 0);
  for (const part of [0.5, 0.38, 0.62, 0.27, 0.73]) {
    const { x, y } = point(part);
    for (const left of [x + 5, x - 5 - wide]) {
      const box = { left: left - 2, right: left + wide + 2, top: y - 8, bottom: y + 7 };
      if (taken.some((other) => box.left < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top)) continue;
      taken.push(box);
      return { x: left, y: y + 3 };
    }
  }
  return null;
}
