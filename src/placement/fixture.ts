/** Problems for tests, written as a problem file has them. */
import { compileModel, type Model } from './model.ts';
import { parseProblem } from './problem/problem-file.ts';

export function modelOf(file: unknown): Model {
  const parsed = parseProblem(file);
  if (!parsed.ok) throw new Error(parsed.faults.map(({ message }) => message).join('\n'));
  return compileModel(parsed.problem);
}

/** The weights of ktcpvs-matrix' demo, in percent, and the hosts that they need: each as large as its row. */
export const DEMO: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  appa: { web1: 100 },
  appb: { web1: 100 },
  tpcw: { web2: 100 },
  appc: { web2: 87, web3: 13 },
  appd: { web3: 60, web4: 40 },
  appe: { web4: 31, web5: 69 },
};

/** Hosts exactly as large as the rows of the demo, a hundred requests/s for every app. */
export function demoProblem() {
  const hosts = ['web1', 'web2', 'web3', 'web4', 'web5'].map((name) => {
    const rate = Object.values(DEMO).reduce((sum, cells) => sum + (cells[name] ?? 0), 0);
    return { name, capacity: { cpu: rate / 100 }, memory: '4Gi' };
  });
  const workloads = Object.entries(DEMO).map(([name, cells]) => ({ name, memory: '1Gi', hosts: Object.keys(cells) }));
  const columns = Object.keys(DEMO).map((name) => ({ name, workload: name, rate: '100', cost: { cpu: '10m' } }));
  return { hosts, workloads, columns };
}
