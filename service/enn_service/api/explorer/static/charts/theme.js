// Light and dark theme: the preference of the system, until the reader chooses.

const KEY = "enn-theme";
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

// Starts the button that switches the theme; calls `changed` after each change of the colours.
export function startTheme(button, changed) {
  const label = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Use the ${isDark() ? "light" : "dark"} theme`);
  };
  const saved = localStorage.getItem(KEY);
  if (saved) root.dataset.theme = saved;
  label();
  system.addEventListener("change", () => (label(), changed()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem(KEY, root.dataset.theme);
    label();
    changed();
  });
}

// Returns the colours of the figures in the current theme.
export function colours() {
  const style = getComputedStyle(root);
  const names = ["positive", "negative", "neutral", "ink", "quiet", "line", "paper", "middle"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}
