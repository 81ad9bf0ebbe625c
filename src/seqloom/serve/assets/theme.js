// Light or dark: the reader's system says, or they themselves.

const CHOICES = ["system", "light", "dark"];

export function setUpTheme(button) {
  let theme = "system";
  try {
    theme = localStorage.getItem("seqloom-theme") ?? theme;
  } catch {
    // Storage may be forbidden; then the choice holds for this page only.
  }
  const show = () => {
    document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    theme = CHOICES[(CHOICES.indexOf(theme) + 1) % CHOICES.length];
    try {
      localStorage.setItem("seqloom-theme", theme);
    } catch {
      // As above.
    }
    show();
  });
  show();
}
