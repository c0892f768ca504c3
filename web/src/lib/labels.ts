// Where the words of arrows stand: each on its own arrow, none over another's. Where there is no room for all that could be
// said, less is said; where there is none at all, nothing: the arrow still tells when it is pointed at, chosen or opened.

import type { Arrow, Layout } from "./ladder";
import { upper } from "./replay";

export interface Label { text: string; along: number }

/// Arrows are looked at by stretches of the ladder, so that a long one need not be looked at as a whole.
const STRETCH = 900;
/// The width of a sign, and the height of a line.
const SIGN = 6.7;
const LINE = 10.5;
const PLACES = [0, 0.14, 0.3, 0.48, 0.66];

export class Labels {
  private readonly layout: Layout;
  private readonly x: (node: number) => number;
  private readonly wordings: (arrow: Arrow) => string[];
  private readonly stretches = new Map<number, Map<Arrow, Label>>();

  /// `x` is where a node's lane stands; `wordings` are what can be said of an arrow, the longest first.
  constructor(layout: Layout, x: (node: number) => number, wordings: (arrow: Arrow) => string[]) {
    this.layout = layout;
    this.x = x;
    this.wordings = wordings;
  }

  of(arrow: Arrow): Label | undefined {
    const number = Math.floor(arrow.y0 / STRETCH);
    let stretch = this.stretches.get(number);
    if (!stretch) this.stretches.set(number, (stretch = this.look(number)));
    return stretch.get(arrow);
  }

  /// What is said of an arrow in any case, if need be over others.
  least(arrow: Arrow): Label {
    const all = this.wordings(arrow);
    const { long } = this.course(arrow);
    const text = all.find((text) => this.begin(arrow, long) + text.length * SIGN < long) ?? all[all.length - 1];
    return { text, along: this.begin(arrow, long) / long };
  }

  private look(number: number): Map<Arrow, Label> {
    const { arrows } = this.layout;
    const first = upper(arrows.length, (index) => arrows[index].y0 < number * STRETCH);
    const end = upper(arrows.length, (index) => arrows[index].y0 < (number + 1) * STRETCH);
    const mine = arrows.slice(first, end).filter((arrow) => !arrow.copy && arrow.from !== arrow.to);
    // What went wrong comes first.
    mine.sort((a, b) => Number(b.lost || b.frame.retransmission) - Number(a.lost || a.frame.retransmission));
    const found = new Map<Arrow, Label>();
    const taken = new Map<string, [number, number][]>();
    for (const arrow of mine) {
      const label = this.fit(arrow, taken);
      if (label) found.set(arrow, label);
    }
    return found;
  }

  private course(arrow: Arrow) {
    const [dx, dy] = [this.x(arrow.to) - this.x(arrow.from), arrow.y1 - arrow.y0];
    const long = Math.hypot(dx, dy) || 1;
    return { long, ux: dx / long, uy: dy / long };
  }

  private begin(arrow: Arrow, long: number): number {
    return Math.min(Math.max(Math.abs(this.x(arrow.to) - this.x(arrow.from)) * 0.13, 10), 64, long / 4);
  }

  /// The longest wording for which there is a free place.
  private fit(arrow: Arrow, taken: Map<string, [number, number][]>): Label | null {
    const { long, ux, uy } = this.course(arrow);
    const begin = this.begin(arrow, long);
    // Above the line, whichever way it goes.
    const [nx, ny] = ux > 0 ? [uy, -ux] : [-uy, ux];
    for (const text of this.wordings(arrow)) {
      const width = text.length * SIGN + (arrow.frame.retransmission ? 14 : 0);
      for (const place of PLACES) {
        const at = begin + place * long;
        if (at + width > long - 6) break;
        const points: [number, number][] = [];
        for (let along = at; along <= at + width; along += 6) points.push([this.x(arrow.from) + ux * along + nx * 8, arrow.y0 + uy * along + ny * 8]);
        if (points.some((point) => crowded(point, taken))) continue;
        for (const point of points) {
          const key = cell(point[0], point[1]);
          const all = taken.get(key);
          if (all) all.push(point);
          else taken.set(key, [point]);
        }
        return { text, along: at / long };
      }
    }
    return null;
  }
}

const cell = (x: number, y: number): string => `${Math.floor(x / LINE)} ${Math.floor(y / LINE)}`;

function crowded([x, y]: [number, number], taken: Map<string, [number, number][]>): boolean {
  for (const over of [-LINE, 0, LINE]) {
    for (const down of [-LINE, 0, LINE]) {
      if (taken.get(cell(x + over, y + down))?.some((one) => Math.hypot(one[0] - x, one[1] - y) < LINE)) return true;
    }
  }
  return false;
}
