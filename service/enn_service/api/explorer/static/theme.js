// Light and dark: what the system prefers, until the reader chooses.

const KEY = "enn-theme";
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

// Starts the toggle, and calls back when the colours have changed.
export function startTheme(button, changed) {
  const show = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Use the ${isDark() ? "light" : "dark"} theme`);
  };
  const kept = localStorage.getItem(KEY);
  if (kept) root.dataset.theme = kept;
  show();
  system.addEventListener("change", () => (show(), changed()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem(KEY, root.dataset.theme);
    show();
    changed();
  });
}

// The colours of the figures as the style sheet has them now.
export function colours() {
  const style = getComputedStyle(root);
  const names = ["positive", "negative", "neutral", "ink", "quiet", "line", "paper", "middle"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}
