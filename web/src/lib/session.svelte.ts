// What is being looked at: one view, one run, one cursor.

import * as lab from "./lab";
import * as link from "./link";
import { Layout } from "./ladder";
import { Replay } from "./replay";
import { words, t, say, type Language } from "./i18n.svelte";
import type { Experiment, Refusal, Request, Trace, Value } from "./types";

const SPEEDS = [0.25, 0.5, 1, 2, 4];
/// How far the cursor goes down the ladder in a second, at speed 1.
const PACE = 70;

class Session {
  experiments = $state.raw<Experiment[]>([]);
  view = $state<link.View>(link.home());
  ignored = $state.raw<{ what: string; why: string }[]>([]);
  failure = $state("");

  trace = $state.raw<Trace | null>(null);
  replay = $state.raw<Replay | null>(null);
  layout = $state.raw<Layout | null>(null);
  /// The run without the viewer's own rules, to compare with.
  baseline = $state.raw<Trace | null>(null);
  showBaseline = $state(false);
  refusal = $state.raw<Refusal | null>(null);
  running = $state(false);
  milliseconds = $state(0);

  /// Nanoseconds since the run began.
  time = $state(0);
  /// How many steps have happened.
  done = $state(0);
  playing = $state(false);
  speed = $state(1);
  absolute = $state(false);
  /// The frame that is chosen, and whether it is open.
  chosen = $state<number | null>(null);
  open = $state(false);
  help = $state(false);
  abilities = $state.raw<string[]>([]);
  theme = $state<"system" | "light" | "dark">("system");

  experiment = $derived(this.experiments.find((one) => one.name === this.view.experiment));
  now = $derived(this.replay ? this.replay.after(this.done) : []);
  speeds = SPEEDS;

  private wanted = 0;
  private last = 0;
  private written = "";

  async begin(): Promise<void> {
    try {
      const catalogue = await lab.catalogue();
      if (catalogue.format !== 1) throw new Error(`format ${catalogue.format}`);
      this.abilities = await lab.abilities();
      this.experiments = catalogue.experiments;
      this.follow();
      addEventListener("hashchange", () => { if (location.hash !== this.written) this.follow(); });
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  /// Shows what the address asks for.
  private follow(): void {
    const { view, ignored } = link.read(location.hash, this.experiments);
    this.ignored = ignored;
    if (view.language) words.language = view.language as Language;
    this.view = view;
    this.chosen = null;
    this.open = false;
    this.playing = false;
    this.written = location.hash;
    if (view.experiment) void this.run(true);
    else { this.trace = null; this.replay = null; this.layout = null; }
    scrollTo(0, 0);
  }

  request(rules: string[] | null = this.view.rules): Request {
    const request: Request = { experiment: this.view.experiment, seed: this.view.seed, parameters: $state.snapshot(this.view.parameters) };
    if (rules) request.rules = [...rules];
    return request;
  }

  /// Runs again what the view says. `fresh`: from a link, so rules that are none are left out, and its moment is sought.
  async run(fresh = false): Promise<void> {
    const turn = ++this.wanted;
    this.running = true;
    this.playing = false;
    this.refusal = null;
    try {
      const name = this.view.experiment;
      let { answer, milliseconds } = await lab.run(this.request());
      while (fresh && "refusal" in answer && answer.refusal.kind === "rule" && this.view.rules?.includes(answer.refusal.given)) {
        const given = answer.refusal.given;
        this.ignored = [...this.ignored, { what: `rule=${given}`, why: "rule" }];
        const left = this.view.rules.filter((rule) => rule !== given);
        this.view.rules = left.length ? left : null;
        ({ answer, milliseconds } = await lab.run(this.request()));
      }
      if (turn !== this.wanted) return;
      if ("refusal" in answer) {
        this.refusal = answer.refusal;
        return;
      }
      const own = this.experiment?.rules ?? [];
      const changed = this.view.rules !== null && JSON.stringify(this.view.rules) !== JSON.stringify(own);
      const baseline = changed ? await lab.run(this.request(null)) : null;
      if (turn !== this.wanted || name !== this.view.experiment) return;
      this.baseline = baseline && "trace" in baseline.answer ? baseline.answer.trace : null;
      this.milliseconds = milliseconds;
      this.show(answer.trace);
      this.seek(fresh);
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    } finally {
      if (turn === this.wanted) this.running = false;
    }
  }

  private show(trace: Trace): void {
    const replay = new Replay(trace);
    this.layout = new Layout(trace.nodes, trace.links, trace.frames, replay.states.map((state) => state.from).concat(replay.timers.filter((timer) => timer.fired).map((timer) => timer.end)).sort((a, b) => a - b), replay.end);
    this.replay = replay;
    this.trace = trace;
  }

  /// A new run is shown whole, unless the link names a moment.
  private seek(fresh: boolean): void {
    const { step, at } = this.view;
    const replay = this.replay!;
    if (fresh && step !== null && step > replay.steps.length) {
      this.ignored = [...this.ignored, { what: `step=${step}`, why: "step" }];
      this.toEnd();
    } else if (fresh && at !== null && at > replay.end) {
      this.ignored = [...this.ignored, { what: `at=${at}`, why: "step" }];
      this.toEnd();
    } else if (fresh && step !== null) this.toStep(step);
    else if (fresh && at !== null) this.toTime(at);
    else this.toEnd();
    if (this.chosen !== null && this.chosen >= this.trace!.frames.length) { this.chosen = null; this.open = false; }
  }

  toTime(time: number): void {
    if (!this.replay) return;
    this.time = Math.min(Math.max(time, 0), this.replay.end);
    this.done = this.replay.stepsAt(this.time);
    this.view.at = this.time;
    this.view.step = null;
  }

  toStep(count: number): void {
    if (!this.replay) return;
    this.done = Math.min(Math.max(count, 0), this.replay.steps.length);
    this.time = this.done > 0 ? this.replay.steps[this.done - 1].at : 0;
    this.view.step = this.done;
    this.view.at = null;
    this.playing = false;
  }

  toEnd(): void {
    if (!this.replay) return;
    this.time = this.replay.end;
    this.done = this.replay.steps.length;
    this.view.step = null;
    this.view.at = null;
    this.playing = false;
  }

  toggle(): void {
    if (!this.replay) return;
    if (this.playing) { this.playing = false; this.save(); return; }
    if (this.time >= this.replay.end) this.toTime(0);
    this.playing = true;
    this.last = performance.now();
    requestAnimationFrame((now) => this.tick(now));
  }

  private tick(now: number): void {
    if (!this.playing || !this.layout || !this.replay) return;
    const passed = Math.min(now - this.last, 100) / 1000;
    this.last = now;
    this.toTime(this.layout.time(this.layout.y(this.time) + passed * PACE * this.speed));
    if (this.time >= this.replay.end) { this.toEnd(); this.save(); return; }
    requestAnimationFrame((next) => this.tick(next));
  }

  choose(frame: number | null, open = false): void {
    this.chosen = frame;
    this.open = open && frame !== null;
  }

  rules(): string[] {
    return this.view.rules ?? this.experiment?.rules ?? [];
  }

  addRule(rule: string): void {
    if (this.rules().includes(rule)) return;
    this.view.rules = [...this.rules(), rule];
    this.open = false;
    this.change();
  }

  removeRule(index: number): void {
    this.view.rules = this.rules().filter((_, place) => place !== index);
    this.change();
  }

  set(name: string, value: Value): void {
    this.view.parameters[name] = value;
    this.change();
  }

  change(): void {
    this.view.step = null;
    this.view.at = null;
    this.chosen = null;
    this.save();
    void this.run();
  }

  asItWas(): void {
    this.view.rules = null;
    this.view.parameters = {};
    this.view.seed = 1;
    this.ignored = [];
    this.change();
  }

  setLanguage(language: Language): void {
    words.language = language;
    this.view.language = language;
    keep("language", language);
    this.save();
  }

  setTheme(theme: "system" | "light" | "dark"): void {
    this.theme = theme;
    keep("theme", theme);
  }

  /// Puts the view into the address, without a new entry of the history.
  save(): void {
    this.written = link.write(this.view, this.experiment);
    history.replaceState(null, "", this.written);
  }

  go(name: string): void {
    const view = { ...link.home(), experiment: name, language: this.view.language };
    location.hash = link.write(view, this.experiments.find((one) => one.name === name));
  }

  title(): string {
    return this.experiment ? `${say(this.experiment.title)} · ${t("title")}` : t("title");
  }
}

function keep(key: string, value: string): void {
  try { localStorage.setItem(`netstrata-${key}`, value); } catch { /* private windows may refuse: the choice lasts as long as the page */ }
}

export function kept(key: string): string | null {
  try { return localStorage.getItem(`netstrata-${key}`); } catch { return null; }
}

export const session = new Session();
