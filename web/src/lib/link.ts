// Every view is a link: what is shown stands in the part after `#`.
//
//   #/handshake?seed=3&set=delay:20&rule=drop+server+SYN,ACK+%231&step=5&lang=zh

import type { Experiment, Value } from "./types";

export interface View {
  experiment: string;
  seed: number;
  parameters: Record<string, Value>;
  /// null: the experiment's own.
  rules: string[] | null;
  step: number | null;
  at: number | null;
  language: string | null;
}

export interface Ignored { what: string; why: "experiment" | "parameter" | "range" | "number" | "unknown" | "language" | "rules" }

const MOST_RULES = 32;
const LONGEST_RULE = 120;

export const home = (): View => ({ experiment: "", seed: 1, parameters: {}, rules: null, step: null, at: null, language: null });

/// Reads a hash. What cannot be understood is left out and told.
export function read(hash: string, experiments: Experiment[]): { view: View; ignored: Ignored[] } {
  const view = home();
  const ignored: Ignored[] = [];
  const text = hash.replace(/^#\/?/, "");
  const [path, query = ""] = text.split(/\?(.*)/s);
  let name = path;
  try { name = decodeURIComponent(path); } catch { /* told below */ }
  const experiment = experiments.find((one) => one.name === name);
  if (experiment) view.experiment = experiment.name;
  else if (name !== "") ignored.push({ what: name.slice(0, 80).replace(/[\0-\x1f\x7f]/g, "\ufffd"), why: "experiment" });
  for (const [key, value] of new URLSearchParams(query)) {
    const what = `${key}=${value}`.slice(0, 120);
    const whole = /^\d{1,16}$/.test(value) ? Number(value) : NaN;
    if (key === "lang") {
      if (value === "en" || value === "zh") view.language = value;
      else ignored.push({ what, why: "language" });
    } else if (!experiment) {
      ignored.push({ what, why: "unknown" });
    } else if (key === "seed" || key === "step" || key === "at") {
      if (Number.isSafeInteger(whole)) view[key] = whole;
      else ignored.push({ what, why: "number" });
    } else if (key === "set") {
      const why = readParameter(value, experiment, view);
      if (why) ignored.push({ what, why });
    } else if (key === "rule") {
      view.rules ??= [];
      if (value === "") continue;
      if (view.rules.length < MOST_RULES && value.length <= LONGEST_RULE) view.rules.push(value);
      else ignored.push({ what, why: "rules" });
    } else {
      ignored.push({ what, why: "unknown" });
    }
  }
  return { view, ignored };
}

function readParameter(text: string, experiment: Experiment, view: View): Ignored["why"] | null {
  const at = text.indexOf(":");
  const name = text.slice(0, at);
  const given = text.slice(at + 1);
  const parameter = experiment.parameters.find((one) => one.name === name);
  if (at < 0 || !parameter) return "parameter";
  if (parameter.kind === "number") {
    if (!/^-?\d{1,16}$/.test(given)) return "number";
    const number = Number(given);
    if (number < parameter.min || number > parameter.max) return "range";
    view.parameters[name] = number;
  } else if (parameter.kind === "choice") {
    if (!parameter.options.includes(given)) return "range";
    view.parameters[name] = given;
  } else {
    if (given !== "true" && given !== "false") return "range";
    view.parameters[name] = given === "true";
  }
  return null;
}

/// Writes a view as a hash; what is as by default is left out.
export function write(view: View, experiment: Experiment | undefined): string {
  const query = new URLSearchParams();
  if (experiment) {
    if (view.seed !== 1) query.append("seed", String(view.seed));
    for (const parameter of experiment.parameters) {
      const value = view.parameters[parameter.name];
      if (value !== undefined && value !== parameter.default) query.append("set", `${parameter.name}:${value}`);
    }
    const own = view.rules === null || JSON.stringify(view.rules) === JSON.stringify(experiment.rules);
    if (!own) for (const rule of view.rules!.length ? view.rules! : [""]) query.append("rule", rule);
    if (view.step !== null) query.append("step", String(view.step));
    else if (view.at !== null) query.append("at", String(Math.round(view.at)));
  }
  if (view.language) query.append("lang", view.language);
  const text = query.toString();
  return `#/${view.experiment}${text ? `?${text}` : ""}`;
}
