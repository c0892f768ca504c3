/// Keeps the focus inside of a dialog while it is open, and gives it back afterwards.
export function modal(dialog: HTMLElement): { destroy(): void } {
  const before = document.activeElement as HTMLElement | null;
  dialog.focus();
  const keep = (event: KeyboardEvent) => {
    if (event.key !== "Tab") return;
    const inside = [...dialog.querySelectorAll<HTMLElement>("button, a[href], input, select, [tabindex='0']")].filter((one) => !one.hasAttribute("disabled"));
    const [first, last] = [inside[0], inside[inside.length - 1]];
    const at = document.activeElement;
    if (event.shiftKey && (at === first || at === dialog)) { event.preventDefault(); last?.focus(); }
    else if (!event.shiftKey && at === last) { event.preventDefault(); first?.focus(); }
  };
  dialog.addEventListener("keydown", keep);
  return {
    destroy() {
      dialog.removeEventListener("keydown", keep);
      if (before?.isConnected) before.focus();
    },
  };
}
