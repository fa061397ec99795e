import type { TestProject } from 'vitest/node';
import { missingPackages } from './tools.ts';

/**
 * Global set-up of the test run. After the last test it names the Debian packages that skipped
 * tests need. It is not a reporter, because `--reporter` on the command line would replace it.
 */
export default function setup(project: TestProject): () => void {
  return () => {
    const modules = project.vitest.state.getTestModules();
    const isAnySkipped = modules.some((module) => !module.children.allTests('skipped').next().done);
    const packages = missingPackages();
    if (!isAnySkipped || packages.length === 0) return;
    console.warn(`Tests were skipped that need Debian packages: apt-get install ${packages.join(' ')}`);
  };
}
