import { chooseTheme, chosenTheme, type Theme } from './theme-choice.ts';

const themes: readonly (readonly [Theme, string])[] = [
  ['system', 'Auto'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

/** Light, dark, or as the machine has it. */
export function ThemeSwitch() {
  return (
    <fieldset class="segments">
      <legend class="hidden">Theme</legend>
      {themes.map(([theme, text]) => (
        <label key={theme}>
          <input
            type="radio"
            name="theme"
            checked={chosenTheme.value === theme}
            onChange={() => chooseTheme(theme)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}
