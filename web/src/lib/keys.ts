// Everything that the mouse can do on an experiment, the keyboard can do as well.

import { session } from "./session.svelte";
import { words } from "./i18n.svelte";

/// The keys, and the word that says what they do.
export const KEYS = [
  ["Space", "key_space"],
  ["← →", "key_step"],
  ["Home End", "key_ends"],
  ["↑ ↓", "key_frames"],
  ["Enter", "key_open"],
  ["d  u  x  c", "key_break"],
  ["n", "key_numbers"],
  ["0", "key_reset"],
  ["[ ]", "key_experiments"],
  ["l", "key_language"],
  ["t", "key_theme"],
  ["?", "key_help"],
  ["Esc", "key_escape"],
] as const;

const VERDICTS: Record<string, string> = { d: "drop", u: "duplicate", x: "corrupt", c: "cut" };

export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  if (event.key === "Escape") {
    if (session.help) session.help = false;
    else if (session.open) session.open = false;
    else if (session.chosen !== null) session.choose(null);
    return;
  }
  if (target.closest("input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]")) return;
  const pressable = target.closest("button, a, summary, input") !== null;
  if (pressable && (event.key === " " || event.key === "Enter")) return;
  if (target.closest("[role=tablist], input[type=range]") && /^(Arrow|Home|End)/.test(event.key)) return;
  if (act(event.key)) event.preventDefault();
}

function act(key: string): boolean {
  if (key === "?") return (session.help = !session.help), true;
  if (session.help) return false;
  if (key === "l") return session.setLanguage(words.language === "zh" ? "en" : "zh"), true;
  if (key === "t") return session.setTheme(session.theme === "system" ? "light" : session.theme === "light" ? "dark" : "system"), true;
  if (key === "[" || key === "]") return neighbour(key === "]" ? 1 : -1), true;
  if (!session.trace || !session.experiment) return false;
  const frame = session.chosen === null ? undefined : session.trace.frames[session.chosen];
  if (VERDICTS[key] && frame) return session.addRule(`${VERDICTS[key]} ${frame.name}`), true;
  switch (key) {
    case " ": session.toggle(); break;
    case "ArrowRight": session.toStep(session.done + 1); session.save(); break;
    case "ArrowLeft": session.toStep(session.done - 1); session.save(); break;
    case "Home": session.toStep(0); session.save(); break;
    case "End": session.toEnd(); session.save(); break;
    case "ArrowDown": move(1); break;
    case "ArrowUp": move(-1); break;
    case "Enter": if (!frame) return false; session.open = true; break;
    case "n": session.absolute = !session.absolute; break;
    case "0": session.asItWas(); break;
    default: return false;
  }
  return true;
}

function move(by: number): void {
  const count = session.trace!.frames.length;
  if (count === 0) return;
  const next = session.chosen === null ? (by > 0 ? 0 : count - 1) : Math.min(Math.max(session.chosen + by, 0), count - 1);
  session.choose(next, session.open);
}

function neighbour(by: number): void {
  const names = ["", ...session.experiments.map((one) => one.name)];
  const place = names.indexOf(session.view.experiment) + by;
  session.go(names[(place + names.length) % names.length]);
}
