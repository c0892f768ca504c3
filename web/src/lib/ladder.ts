// Where everything stands on the ladder. Time runs downwards, but not evenly: what happens close together is drawn apart, and
// long silences are shortened (and marked). So a run of milliseconds and one of hours can both be read.

import { upper } from "./replay";
import type { Frame, Node, Link } from "./types";

export interface Mark { at: number; y: number; gap: boolean }
export interface Arrow { index: number; frame: Frame; from: number; to: number; y0: number; y1: number; at: number; lost: boolean; damaged: boolean; copy: boolean }

const ROW = 21;
const TIGHT = 7;
const LONGEST = 84;
const MOMENT = 0;
const ARRIVED = 1;
const SENT = 2;

export class Layout {
  /// Columns from the left: indices of nodes.
  readonly order: number[];
  readonly column: number[];
  readonly marks: Mark[] = [];
  readonly arrows: Arrow[] = [];
  readonly height: number;
  private readonly lowest: number[] = [];
  private readonly times: number[] = [];
  private readonly places: number[] = [];

  constructor(nodes: Node[], links: Link[], frames: Frame[], moments: number[], end: number) {
    this.order = columns(nodes, links);
    this.column = [];
    this.order.forEach((node, place) => { this.column[node] = place; });
    // Of what happens at the same time, arrivals come first: they are the causes.
    const points: { at: number; kind: number; frame: number; copy: number }[] = [];
    frames.forEach((frame, index) => {
      points.push({ at: frame.sent, kind: SENT, frame: index, copy: 0 });
      frame.arrivals.forEach((arrival, copy) => points.push({ at: arrival.at, kind: ARRIVED, frame: index, copy }));
    });
    for (const at of moments) points.push({ at, kind: MOMENT, frame: 0, copy: 0 });
    points.push({ at: end, kind: MOMENT, frame: 0, copy: 0 });
    points.sort((a, b) => a.at - b.at || a.kind - b.kind || a.frame - b.frame);
    const unit = typical(points.map((point) => point.at));
    const sent: number[] = [];
    const arrived = new Map<string, number>();
    let y = 14;
    let at = 0;
    let before = MOMENT;
    let left = -ROW;
    this.times.push(0);
    this.places.push(y);
    for (const point of points) {
      const passed = point.at - at;
      const even = passed / unit * 26;
      const gap = even > LONGEST;
      // A frame takes a row of its own, where it leaves and, in a burst, where it arrives; other moments may share one.
      if (passed > 0) y += Math.min(Math.max(even, point.kind === SENT ? ROW : TIGHT), LONGEST);
      else if (point.kind !== MOMENT && point.kind === before) y += ROW * 0.9;
      before = point.kind;
      // What answers at once still leaves room for the words of what it answers.
      if (point.kind === SENT) left = y = Math.max(y, left + ROW * 0.75);
      if (passed > 0) {
        const last = this.marks[this.marks.length - 1];
        if (!last || y - last.y >= 15) this.marks.push({ at: point.at, y, gap });
        at = point.at;
      } else if (this.marks.length === 0) this.marks.push({ at: point.at, y, gap: false });
      if (point.kind === SENT) sent[point.frame] = y;
      else if (point.kind === ARRIVED) arrived.set(`${point.frame} ${point.copy}`, y);
      this.times.push(point.at);
      this.places.push(y);
    }
    // A short run may take more room than it needs.
    const stretch = Math.min(Math.max(360 / y, 1), 1.9);
    this.places.forEach((place, index) => (this.places[index] = place * stretch));
    sent.forEach((place, index) => (sent[index] = place * stretch));
    for (const [key, place] of arrived) arrived.set(key, place * stretch);
    for (const mark of this.marks) mark.y *= stretch;
    this.height = y * stretch + 40;
    const due = expected(frames, links);
    frames.forEach((frame, index) => this.arrow(frame, index, sent[index], arrived, links, due[index]));
    this.arrows.sort((a, b) => a.y0 - b.y0);
    let lowest = 0;
    for (const arrow of this.arrows) {
      lowest = Math.max(lowest, arrow.y1);
      this.lowest.push(lowest);
    }
  }

  private arrow(frame: Frame, index: number, y0: number, arrived: Map<string, number>, links: Link[], at: number): void {
    if (frame.arrivals.length === 0) {
      const link = links[frame.link];
      const to = link?.ends.find((end) => end !== frame.from) ?? frame.from;
      this.arrows.push({ index, frame, from: frame.from, to, y0, y1: Math.max(this.y(at), y0 + 8), at, lost: true, damaged: false, copy: false });
    }
    frame.arrivals.forEach((arrival, number) => {
      const y1 = Math.max(arrived.get(`${index} ${number}`) ?? 0, y0 + 2);
      this.arrows.push({ index, frame, from: frame.from, to: arrival.node, y0, y1, at: arrival.at, lost: false, damaged: arrival.damaged, copy: number > 0 });
    });
  }

  y(time: number): number {
    const after = upper(this.times.length, (index) => this.times[index] <= time);
    if (after === 0) return this.places[0];
    if (after === this.times.length) return this.places[after - 1];
    const [t0, t1, y0, y1] = [this.times[after - 1], this.times[after], this.places[after - 1], this.places[after]];
    return y0 + (y1 - y0) * ((time - t0) / (t1 - t0));
  }

  time(y: number): number {
    const after = upper(this.places.length, (index) => this.places[index] <= y);
    if (after === 0) return this.times[0];
    if (after === this.places.length) return this.times[after - 1];
    const [t0, t1, y0, y1] = [this.times[after - 1], this.times[after], this.places[after - 1], this.places[after]];
    return y1 === y0 ? t1 : t0 + (t1 - t0) * ((y - y0) / (y1 - y0));
  }

  /// The arrows that touch the stretch from `top` to `bottom`.
  within(top: number, bottom: number): Arrow[] {
    const first = upper(this.arrows.length, (index) => this.lowest[index] < top);
    const end = upper(this.arrows.length, (index) => this.arrows[index].y0 <= bottom);
    return this.arrows.slice(first, end).filter((arrow) => arrow.y1 >= top);
  }

  marksWithin(top: number, bottom: number): Mark[] {
    const first = upper(this.marks.length, (index) => this.marks[index].y < top);
    const end = upper(this.marks.length, (index) => this.marks[index].y <= bottom);
    return this.marks.slice(first, end);
  }
}

/// When each frame would arrive if nothing befell it: those before it at the same end of a cable go first.
function expected(frames: Frame[], links: Link[]): number[] {
  const busy = new Map<string, number>();
  return frames.map((frame) => {
    const link = links[frame.link];
    const end = `${frame.link} ${frame.from}`;
    let gone = frame.sent;
    if (link?.rate && frame.fate !== "cut" && frame.fate !== "queue-full") {
      gone = Math.max(busy.get(end) ?? 0, frame.sent) + (frame.length * 8e9) / link.rate;
      busy.set(end, gone);
    } else if (link?.rate) gone = Math.max(busy.get(end) ?? 0, frame.sent);
    return gone + (link?.delay ?? 0);
  });
}

/// A time between moments that is neither very short nor very long in this run, in nanoseconds.
function typical(times: number[]): number {
  const passed: number[] = [];
  for (let index = 1; index < times.length; index++) if (times[index] > times[index - 1]) passed.push(times[index] - times[index - 1]);
  if (passed.length === 0) return 1_000_000;
  passed.sort((a, b) => a - b);
  return Math.max(passed[Math.floor(passed.length * 0.4)], 1);
}

/// Neighbours stand beside each other: a walk along the cables from the first host.
function columns(nodes: Node[], links: Link[]): number[] {
  const order: number[] = [];
  const seen = new Set<number>();
  const walk = (from: number) => {
    const line = [from];
    while (line.length > 0) {
      const node = line.pop()!;
      if (seen.has(node)) continue;
      seen.add(node);
      order.push(node);
      const next = links.flatMap((link) => (link.ends.includes(node) ? link.ends.filter((end) => end !== node) : []));
      // Hosts first, so that they stand next to their switch.
      next.sort((a, b) => Number(nodes[a].kind === "host") - Number(nodes[b].kind === "host") || b - a);
      line.push(...next);
    }
  };
  const degree = (node: number) => links.filter((link) => link.ends.includes(node)).length;
  nodes.forEach((node, index) => { if (node.kind === "host" && degree(index) <= 1) walk(index); });
  nodes.forEach((_, index) => walk(index));
  // One device between hosts stands in the middle; between many, who all talk with the first, behind that.
  const devices = order.filter((node) => nodes[node].kind !== "host");
  if (devices.length === 1 && order.length > 2) {
    const hosts = order.filter((node) => nodes[node].kind === "host");
    hosts.splice(hosts.length > 4 ? 1 : Math.ceil(hosts.length / 2), 0, devices[0]);
    return hosts;
  }
  return order;
}
