import { computed, signal } from '@preact/signals';

/** What the operator has chosen; `system` follows the machine. */
export type Theme = 'system' | 'light' | 'dark';

const stored = localStorage.getItem('wisp-theme');
export const chosenTheme = signal<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system');

const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const isSystemDark = signal(prefersDark.matches);
prefersDark.addEventListener('change', ({ matches }) => {
  isSystemDark.value = matches;
});

/** The theme on the screen, for what draws by itself. */
export const appliedTheme = computed(() => {
  if (chosenTheme.value !== 'system') return chosenTheme.value;
  return isSystemDark.value ? 'dark' : 'light';
});

export function chooseTheme(theme: Theme): void {
  chosenTheme.value = theme;
  if (theme === 'system') {
    localStorage.removeItem('wisp-theme');
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem('wisp-theme', theme);
    document.documentElement.dataset.theme = theme;
  }
}
