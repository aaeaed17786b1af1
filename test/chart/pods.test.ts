/** What runs: restricted pods, with flags that the program knows. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { needsHelm, type Rendered, rendered, type Yaml } from './stage.ts';

const HIGH_PORTS = { ports: [{ name: 'http', port: 8080 }] };

const VARIANTS: Readonly<Record<string, object>> = {
  'by default': {},
  'a DaemonSet on the host': { proxy: { kind: 'DaemonSet', hostNetwork: true, service: HIGH_PORTS } },
  'everything set': {
    watchNamespaces: ['shop', 'bank'],
    trustedProxies: ['10.0.0.0/8', 'fd00::/8'],
    publish: { addresses: ['203.0.113.10', 'edge.example'] },
    secrets: { namespaces: ['shop'] },
    image: { digest: `sha256:${'0'.repeat(64)}`, pullSecrets: [{ name: 'registry' }] },
    controller: { priorityClassName: 'high', tolerations: [{ operator: 'Exists' }], nodeSelector: { a: 'b' } },
    proxy: { autoscaling: { enabled: true }, affinity: { nodeAffinity: {} }, podLabels: { team: 'edge' } },
    podMonitor: { enabled: true },
  },
};

const container = (pod: Yaml): Yaml => pod.spec.containers[0];

const argument = (pod: Yaml, name: string): string | undefined =>
  container(pod)
    .args.find((arg: string) => arg.startsWith(`--${name}=`))
    ?.slice(name.length + 3);

function each(check: (pod: Yaml, name: string, all: Rendered) => void): void {
  for (const [variant, values] of Object.entries(VARIANTS)) {
    const all = rendered(values);
    assert.deepEqual([...all.pods().keys()].toSorted(), ['edge-controller', 'edge-proxy', 'edge-test'], variant);
    for (const [name, pod] of all.pods()) check(pod, name, all);
  }
}

describe('every pod of the chart', needsHelm, () => {
  it('is restricted: not root, nothing writable, no capability, one seccomp profile', () => {
    each(({ spec }, name) => {
      assert.deepEqual(
        spec.securityContext,
        {
          runAsNonRoot: true,
          runAsUser: 65_532,
          runAsGroup: 65_532,
          fsGroup: 65_532,
          seccompProfile: { type: 'RuntimeDefault' },
          ...(spec.securityContext.sysctls === undefined ? {} : { sysctls: spec.securityContext.sysctls }),
        },
        name,
      );
      assert.equal(spec.containers.length, 1);
      assert.deepEqual(spec.containers[0].securityContext, {
        runAsNonRoot: true,
        privileged: false,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      for (const field of ['hostPID', 'hostIPC', 'initContainers', 'shareProcessNamespace']) {
        assert.equal(spec[field], undefined, `${name} ${field}`);
      }
      for (const volume of spec.volumes ?? []) {
        const [type] = Object.keys(volume).filter((key) => key !== 'name');
        assert.ok(['configMap', 'projected', 'emptyDir'].includes(type ?? ''), `${name}: a volume ${type}`);
      }
    });
  });

  it('has requests, a limit of memory and probes', () => {
    each((pod, name) => {
      const { resources, ...of } = container(pod);
      assert.ok(resources.requests.cpu && resources.requests.memory && resources.limits.memory, name);
      assert.equal(resources.limits.cpu, undefined, 'throttling shows as latency');
      if (name === 'edge-test') return;
      assert.equal(of.readinessProbe.httpGet.path, '/readyz');
      assert.equal(of.livenessProbe.httpGet.path, '/healthz');
      for (const probe of [of.readinessProbe, of.livenessProbe, of.startupProbe]) {
        const named = of.ports.find(({ name: port }: Yaml) => port === probe.httpGet.port);
        assert.ok(argument(pod, 'admin')?.endsWith(`:${named.containerPort}`), 'a probe asks the admin port');
      }
    });
  });

  it('gets a token for the API only if it is the controller', () => {
    each((pod, name, all) => {
      assert.equal(pod.spec.automountServiceAccountToken, name === 'edge-controller', name);
      for (const account of all.ofKind('ServiceAccount')) assert.equal(account.automountServiceAccountToken, false);
    });
  });

  it('names no version that would restart it without need', () => {
    each((pod, name) => {
      if (name === 'edge-test') return;
      assert.deepEqual(
        Object.keys(pod.metadata.labels).filter((label) => /version|chart/.test(label)),
        [],
      );
    });
  });
});

const sysctls = (values: object): unknown => rendered(values).pods().get('edge-proxy').spec.securityContext.sysctls;

const rollout = (values: object, kind = 'Deployment'): unknown => {
  const { strategy, updateStrategy } = rendered(values).find(kind, 'edge-proxy').spec;
  return (strategy ?? updateStrategy).rollingUpdate;
};

describe('the proxies', needsHelm, () => {
  it('have the token for the controller and nothing else, and their state in memory', () => {
    const { spec } = rendered().pods().get('edge-proxy');
    const volumes = Object.fromEntries(spec.volumes.map(({ name, ...rest }: Yaml) => [name, rest]));
    assert.deepEqual(volumes, {
      ca: { configMap: { name: 'edge-ca-bundle', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      token: {
        projected: {
          sources: [{ serviceAccountToken: { audience: 'tcpvs', expirationSeconds: 3600, path: 'token' } }],
        },
      },
      state: { emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
    });
  });

  it('reach the controller by the name that its certificate has', () => {
    const pods = rendered({}, { release: 'lb', namespace: 'edge' }).pods();
    const server = argument(pods.get('lb-controller'), 'server-name');
    assert.equal(server, 'lb-controller.edge.svc');
    assert.equal(argument(pods.get('lb-proxy'), 'controller'), `https://${server}:9443`);
    assert.equal(argument(pods.get('lb-controller'), 'proxy-service-account'), 'edge/lb-proxy');
  });

  it('have time to drain: the grace period is longer than all that they were told to wait', () => {
    for (const drain of [{}, { preStopSeconds: 20, delaySeconds: 7, timeoutSeconds: 600 }]) {
      const pod = rendered({ proxy: { drain } }).pods().get('edge-proxy');
      const told =
        container(pod).lifecycle.preStop.sleep.seconds +
        Number(argument(pod, 'drain-delay')) +
        Number(argument(pod, 'drain-timeout'));
      // The supervisor gives the serving process 1.5 s to close after all of them.
      assert.ok(pod.spec.terminationGracePeriodSeconds >= told + 5);
    }
  });

  it('may listen below 1024 where they have to, and only there', () => {
    assert.deepEqual(sysctls({}), [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }]);
    assert.equal(sysctls({ proxy: { service: HIGH_PORTS } }), undefined);
    assert.equal(sysctls({ proxy: { service: HIGH_PORTS, hostNetwork: true } }), undefined);
  });

  it('are replaced one by one, never fewer than asked; on host ports the old one goes first', () => {
    assert.deepEqual(rollout({}), { maxUnavailable: 0, maxSurge: 1 });
    assert.deepEqual(rollout({ proxy: { kind: 'DaemonSet' } }, 'DaemonSet'), { maxUnavailable: 0, maxSurge: 1 });
    const host = { proxy: { kind: 'DaemonSet', hostNetwork: true, service: HIGH_PORTS } };
    assert.deepEqual(rollout(host, 'DaemonSet'), { maxUnavailable: 1, maxSurge: 0 });
    assert.equal(rendered(host).pods().get('edge-proxy').spec.dnsPolicy, 'ClusterFirstWithHostNet');
  });

  it('get what the installation was told', () => {
    const pod = rendered(VARIANTS['everything set']).pods();
    assert.equal(argument(pod.get('edge-proxy'), 'trusted-proxies'), '10.0.0.0/8,fd00::/8');
    assert.equal(argument(pod.get('edge-controller'), 'watch-namespaces'), 'shop,bank');
    assert.equal(argument(pod.get('edge-controller'), 'publish-address'), '203.0.113.10,edge.example');
    assert.equal(argument(pod.get('edge-controller'), 'publish-service'), undefined);
    assert.equal(argument(rendered().pods().get('edge-controller'), 'publish-service'), 'tcpvs-system/edge-proxy');
    assert.match(container(pod.get('edge-proxy')).image, /^tcpvs\/tcpvs@sha256:0{64}$/);
    assert.equal(rendered(VARIANTS['everything set']).find('Deployment', 'edge-proxy').spec.replicas, undefined);
  });
});
