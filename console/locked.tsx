import type { ApiProblem } from './api/call.ts';
import { sentence } from './format.ts';
import { Logo } from './logo.tsx';
import { openSession } from './session.ts';

/** In place of the shell without a session: how to get one. */
export function Locked({ problem }: { readonly problem: ApiProblem }) {
  return (
    <main class="locked">
      <Logo />
      <h1>{problem.code === 'console-gone' ? 'The console does not answer' : 'This console is locked'}</h1>
      <p>{sentence(problem.message)}.</p>
      {problem.code === 'console-gone' ? (
        <p>Check that the command that printed the link still runs.</p>
      ) : (
        <>
          <p>Ask for a new link in a terminal; each opens the console once:</p>
          <pre>
            <code>npx wisp console</code>
          </pre>
          <p class="muted small">
            For a deployment: <code>npx wisp console --stack NAME</code>
          </p>
        </>
      )}
      <p>
        <button type="button" class="button" onClick={() => void openSession()}>
          Try again
        </button>
      </p>
      <p class="muted small">
        <code>{problem.code}</code>
      </p>
    </main>
  );
}
