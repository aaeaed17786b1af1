import type { ApiClient, KubeObject } from '../../api-client.ts';
import { follow } from '../../follow.ts';
import { must } from '../../run.ts';
import { policyRules } from './rules.ts';

const PATHS = {
  policies: '/apis/networking.k8s.io/v1/networkpolicies',
  namespaces: '/api/v1/namespaces',
  pods: '/api/v1/pods',
};

/** Enforces NetworkPolicies on what this network namespace forwards, for as long as this process runs. */
export function enforcePolicies(client: ApiClient): void {
  const world = { policies: new Map<string, KubeObject>(), namespaces: new Map(), pods: new Map() };
  let inForce = policyRules({ policies: [], namespaces: [], pods: [] });
  let isDirty = false;
  let running = false;
  const apply = async () => {
    const [policies, namespaces, pods] = [world.policies, world.namespaces, world.pods].map((all) => [...all.values()]);
    const rules = policyRules({ policies: policies ?? [], namespaces: namespaces ?? [], pods: pods ?? [] });
    if (rules === inForce) return;
    await must(['nft', '-f', '-'], { input: rules });
    inForce = rules;
  };
  const changed = async () => {
    isDirty = true;
    if (running) return;
    running = true;
    while (isDirty) {
      isDirty = false;
      await apply().catch((error: Error) => process.stderr.write(`network policies: ${error.message}\n`));
    }
    running = false;
  };
  for (const [kind, path] of Object.entries(PATHS)) {
    const objects = world[kind as keyof typeof PATHS];
    follow(client, path, {
      changed: (object) => {
        objects.set(object.metadata.uid, object);
        void changed();
      },
      gone: ({ metadata }) => {
        objects.delete(metadata.uid);
        void changed();
      },
    });
  }
}
