import { useState } from 'preact/hooks';
import { type PayloadView, payloadText } from '../mqtt/payload.ts';
import { Choice } from './fields.tsx';

const views = [
  ['auto', 'Automatic'],
  ['json', 'JSON'],
  ['text', 'Text'],
  ['hex', 'Hex'],
  ['base64', 'Base64'],
] as const satisfies readonly (readonly [PayloadView, string])[];

/** A payload in the view that the operator chooses. It is text, whatever it holds. */
export function Payload({ bytes }: { readonly bytes: Uint8Array }) {
  const [view, setView] = useState<PayloadView>('auto');
  return (
    <div class="payload">
      <Choice label="View" value={view} onChange={setView} options={views} />
      {bytes.length === 0 ? (
        <p class="muted">The payload is empty.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard.
        <section class="payload-text" tabIndex={0} aria-label="Payload">
          <pre>{payloadText(bytes, view)}</pre>
        </section>
      )}
    </div>
  );
}
