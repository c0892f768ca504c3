// A trace made ready to be looked at from any moment: what each endpoint's state, variables and timers are at the cursor.

import type { Event, Trace } from "./types";

export interface Step { at: number; first: number; end: number }
export interface TimerSpan { endpoint: number; timer: string; from: number; until: number; end: number; fired: boolean }
export interface StateSpan { endpoint: number; state: string; from: number; end: number; step: number }
export interface EndpointNow {
  state: string;
  variables: Map<string, number | null>;
  timers: Map<string, { armed: number; until: number }>;
  /// The variables that the last step changed.
  changed: Set<string>;
  visited: Set<string>;
}

/// Snapshots are this many events apart.
const SPACING = 1024;

export class Replay {
  readonly trace: Trace;
  readonly steps: Step[] = [];
  readonly timers: TimerSpan[] = [];
  readonly states: StateSpan[] = [];
  /// The end of all that is drawn: a frame may arrive after the run has ended.
  readonly end: number;
  private readonly snapshots: EndpointNow[][] = [];

  constructor(trace: Trace) {
    this.trace = trace;
    let end = trace.duration;
    for (const frame of trace.frames) for (const arrival of frame.arrivals) if (arrival.at > end) end = arrival.at;
    this.end = Math.max(end, 1);
    const armed = new Map<string, TimerSpan>();
    const present = new Map<number, StateSpan>();
    let now = this.nothing();
    let step = -1;
    const touched = new Set<number>();
    trace.events.forEach((event, index) => {
      if (event.step !== step) {
        for (const one of touched) now[one]?.changed.clear();
        touched.clear();
        this.steps.push({ at: event.at, first: index, end: index + 1 });
        step = event.step;
      } else this.steps[this.steps.length - 1].end = index + 1;
      if (index % SPACING === 0) this.snapshots.push(copy(now));
      now = apply(now, event);
      if (event.endpoint == null) return;
      touched.add(event.endpoint);
      if (event.kind === "arm" || event.kind === "stop" || event.kind === "fire") {
        const key = `${event.endpoint} ${event.timer}`;
        const running = armed.get(key);
        if (running) {
          running.end = event.at;
          running.fired = event.kind === "fire";
          armed.delete(key);
        }
        if (event.kind === "arm") {
          const span = { endpoint: event.endpoint, timer: event.timer!, from: event.at, until: event.until!, end: this.end, fired: false };
          // Re-armed at once, it is the same bar.
          if (running && running.from === event.at) this.timers.splice(this.timers.indexOf(running), 1);
          this.timers.push(span);
          armed.set(key, span);
        }
      } else if (event.kind === "state") {
        const old = present.get(event.endpoint);
        if (old) old.end = event.at;
        const span = { endpoint: event.endpoint, state: event.to!, from: event.at, end: this.end, step: this.steps.length - 1 };
        this.states.push(span);
        present.set(event.endpoint, span);
      }
    });
  }

  private nothing(): EndpointNow[] {
    return this.trace.endpoints.map(() => ({ state: "", variables: new Map(), timers: new Map(), changed: new Set(), visited: new Set() }));
  }

  /// The endpoints after the steps before `count`.
  after(count: number): EndpointNow[] {
    const last = this.steps[Math.min(count, this.steps.length) - 1];
    if (!last) return this.nothing();
    const from = Math.floor((last.end - 1) / SPACING);
    let now = this.snapshots[from] ? copy(this.snapshots[from]) : this.nothing();
    for (let index = from * SPACING; index < last.end; index++) {
      if (index === last.first) for (const one of now) one.changed = new Set();
      now = apply(now, this.trace.events[index]);
    }
    return now;
  }

  /// How many steps have happened at `time`.
  stepsAt(time: number): number {
    return upper(this.steps.length, (index) => this.steps[index].at <= time);
  }
}

/// The number of leading elements, of `length`, for which `holds`.
export function upper(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function copy(now: EndpointNow[]): EndpointNow[] {
  return now.map((one) => ({
    state: one.state,
    variables: new Map(one.variables),
    timers: new Map(one.timers),
    changed: new Set(one.changed),
    visited: new Set(one.visited),
  }));
}

function apply(now: EndpointNow[], event: Event): EndpointNow[] {
  const one = event.endpoint == null ? undefined : now[event.endpoint];
  if (!one) return now;
  if (event.kind === "state") {
    one.state = event.to!;
    one.visited.add(event.to!);
    if (event.to === "CLOSED") one.timers.clear();
  } else if (event.kind === "change") {
    for (const [name, value] of Object.entries(event.set!)) {
      one.variables.set(name, value);
      one.changed.add(name);
    }
  } else if (event.kind === "arm") one.timers.set(event.timer!, { armed: event.at, until: event.until! });
  else if (event.kind === "stop" || event.kind === "fire") one.timers.delete(event.timer!);
  return now;
}
