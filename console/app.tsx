import { useEffect } from 'preact/hooks';
import { sessionProblem } from './api/call.ts';
import { Locked } from './locked.tsx';
import { Toasts } from './parts/toasts.tsx';
import { about, openSession } from './session.ts';
import { Shell } from './shell.tsx';

/** Everything: the shell with a page once the session is open, else what to do to open it. */
export function App() {
  useEffect(() => {
    void openSession();
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
