import { useEffect } from 'preact/hooks';
import { sessionProblem } from './api/call.ts';
import { Locked } from './locked.tsx';
import { Toasts } from './parts/toasts.tsx';
import { about, hasTicket, openSession } from './session.ts';
import { Shell } from './shell.tsx';

/** Everything: the shell with a page once the session is open, else what to do to open it. */
export function App() {
  useEffect(() => {
    void openSession();
    // A link that is pasted into the address of this page loads nothing: only the fragment changes.
    const onLink = () => {
      if (hasTicket()) void openSession();
    };
    addEventListener('hashchange', onLink);
    return () => removeEventListener('hashchange', onLink);
  }, []);
  const known = about.value;
  const problem = sessionProblem.value;
  if (problem !== undefined) return <Locked problem={problem} />;
  if (known === undefined) return null;
  return (
    <>
      <Shell about={known} />
      <Toasts />
    </>
  );
}
