/** What is hosted while things happen to the platform: an app behind a Service, and one by a matrix over nodes. */

export const NAMESPACE = 'shop';
export const NODES = ['node-1', 'node-2', 'node-3'] as const;
export const HOST = 'shop.example';

/** As much of Gateway API as is read: many clusters have it. */
export const GRANTS = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: referencegrants.gateway.networking.k8s.io
  annotations: {api-approved.kubernetes.io: "https://github.com/kubernetes-sigs/gateway-api"}
spec:
  group: gateway.networking.k8s.io
  scope: Namespaced
  names: {kind: ReferenceGrant, plural: referencegrants}
  versions:
    - name: v1beta1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}
`;

/** An app whose pods go on for a while after they are told to end, as an app on Kubernetes has to. */
const app = (name: string, replicas: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${NAMESPACE}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      terminationGracePeriodSeconds: 20
      # One on each node that takes any, whatever the pods of the version before stand on: a row of the matrix is a node.
      topologySpreadConstraints:
        - topologyKey: kubernetes.io/hostname
          maxSkew: 1
          whenUnsatisfiable: DoNotSchedule
          nodeTaintsPolicy: Honor
          matchLabelKeys: [pod-template-hash]
          labelSelector: {matchLabels: {app: ${name}}}
      containers:
        - name: app
          image: app
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1}
          lifecycle: {preStop: {sleep: {seconds: 2}}}
          resources: {requests: {cpu: 10m, memory: 32Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${NAMESPACE}}
spec: {selector: {app: ${name}}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: ${name}, namespace: ${NAMESPACE}}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: ${name}}}}
---`;

export const APPS = `
apiVersion: v1
kind: Namespace
metadata: {name: ${NAMESPACE}}
---${app('web', 3)}${app('appc', 3)}`;

export const matrix = (weights: readonly number[]) => `
apiVersion: tcpvs.io/v1alpha1
kind: AppWeightMatrix
metadata: {name: eapac, namespace: ${NAMESPACE}}
spec:
  apps: [{name: appc, serviceRef: {name: appc, port: http}}]
  rows:
${NODES.map((node, i) => `    - {server: ${node}, weights: [{app: appc, weight: ${weights[i] ?? 1}}]}`).join('\n')}
`;

/** \`more\`: further rules before those that the load asks for. */
export const virtualServer = (more: number, pattern = '^/appc/.*') => `
apiVersion: tcpvs.io/v1alpha1
kind: TcpVirtualServer
metadata: {name: http, namespace: ${NAMESPACE}}
spec:
  listeners: [{name: web, port: 80, protocol: HTTP}]
  scheduler: hhttp
  matrixRefs: [{name: eapac}]
  rules:
${Array.from({ length: more }, (_, i) => `    - {name: more-${i}, match: {path: {type: Prefix, value: /more/${i}}}, servers: [{server: web}]}`).join('\n')}
    - {name: web, match: {path: {type: Prefix, value: /web}}, servers: [{server: web}]}
    - {name: appc, match: {path: {type: Pattern, value: "${pattern}"}}, app: appc}
`;

export const OBJECTS = [
  ...NODES.map(
    (node) => `
apiVersion: tcpvs.io/v1alpha1
kind: RealServer
metadata: {name: ${node}, namespace: ${NAMESPACE}}
spec: {nodeName: ${node}}
`,
  ),
  `
apiVersion: tcpvs.io/v1alpha1
kind: RealServer
metadata: {name: web, namespace: ${NAMESPACE}}
spec: {serviceRef: {name: web, port: http}}
`,
  matrix([60, 30, 10]),
  virtualServer(0),
].join('---');
