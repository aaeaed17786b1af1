import type { Evaluation } from './evaluate.ts';
export function pageOf(e: Evaluation): string {
  return JSON.stringify(e.policies);
}
export async function writePage(directory: string, kept: unknown): Promise<void> {
  void directory;
  void kept;
}
