/** Child process that runs one section, so that sections do not share memory. */
import { serve } from './process.ts';
import type { SectionResult } from './report.ts';
import { type SectionName, sections } from './sections.ts';

const offered = {
  async measure({ name, quick }: { name: SectionName; quick: boolean }): Promise<SectionResult> {
    const { measure } = await sections[name].load();
    return measure({ quick, progress: (line) => process.stderr.write(`  ${line}\n`) });
  },
};
export type SectionProcess = typeof offered;

serve(offered);
