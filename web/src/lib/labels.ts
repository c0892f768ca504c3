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
/// Places of a word are looked at so far apart.
const STEP = 6;
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
    const taken = new Taken();
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
  private fit(arrow: Arrow, taken: Taken): Label | null {
    const { long, ux, uy } = this.course(arrow);
    const begin = this.begin(arrow, long);
    // Above the line, whichever way it goes.
    const [nx, ny] = ux > 0 ? [uy, -ux] : [-uy, ux];
    const [x0, y0] = [this.x(arrow.from) + nx * 8, arrow.y0 + ny * 8];
    for (const text of this.wordings(arrow)) {
      const width = text.length * SIGN + (arrow.frame.retransmission ? 14 : 0);
      for (const place of PLACES) {
        const at = begin + place * Math.min(long, STRETCH);
        if (at + width > long - 6) break;
        let along = at;
        while (along <= at + width && !taken.near(x0 + ux * along, y0 + uy * along)) along += STEP;
        if (along <= at + width) continue;
        for (along = at; along <= at + width; along += STEP) taken.take(x0 + ux * along, y0 + uy * along);
        return { text, along: at / long };
      }
    }
    return null;
  }
}

/// Where words stand already, as points along their middle lines, found by the square that they lie in.
class Taken {
  private readonly squares = new Map<number, number[]>();

  private key(x: number, y: number): number {
    return Math.floor(y / LINE) * 4096 + Math.floor(x / LINE);
  }

  take(x: number, y: number): void {
    const key = this.key(x, y);
    const all = this.squares.get(key);
    if (all) all.push(x, y);
    else this.squares.set(key, [x, y]);
  }

  near(x: number, y: number): boolean {
    for (let down = -LINE; down <= LINE; down += LINE) {
      for (let over = -LINE; over <= LINE; over += LINE) {
        const all = this.squares.get(this.key(x + over, y + down));
        if (!all) continue;
        for (let place = 0; place < all.length; place += 2) {
          const [dx, dy] = [all[place] - x, all[place + 1] - y];
          if (dx * dx + dy * dy < LINE * LINE) return true;
        }
      }
    }
    return false;
  }
}
