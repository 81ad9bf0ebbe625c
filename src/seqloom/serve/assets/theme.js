// Light or dark: as the reader's system says, or as the reader chooses.

const CHOICES = ["system", "light", "dark"];

export function setUpTheme(button) {
  let theme = "system";
  try {
    theme = localStorage.getItem("seqloom-theme") ?? theme;
  } catch {
    // The browser may forbid storage; the choice then applies until the page is closed.
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
      // The browser may forbid storage.
    }
    show();
  });
  show();
}
