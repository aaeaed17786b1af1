# The image: a Node and the bundle, nothing else of ours. `make image` builds it, with any builder that is there.
#
# Both bases can be given with a digest: --build-arg BASE=debian:bookworm-slim@sha256:… . BASE needs glibc and libstdc++,
# and nothing more: a distroless "cc" image does as well. BUILD must be of the same Debian: one library comes from there.
ARG BUILD=node:24-bookworm-slim
ARG BASE=debian:bookworm-slim

FROM ${BUILD} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY build.ts tsconfig.json ./
COPY packaging packaging
COPY src src
# The Node that the lock file pins, by which everything is tested too; not the one of the image that builds. It needs
# libatomic, which no slim image has.
RUN apt-get update && apt-get install --yes --no-install-recommends libatomic1 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /out/bin /out/lib && cp /usr/lib/*-linux-gnu/libatomic.so.1 /out/lib/ \
 && cp node_modules/node-linux-*/bin/node /out/bin/node
RUN /out/bin/node build.ts /out/tcpvs
COPY LICENSE /out/tcpvs/LICENSE
ARG SOURCE_DATE_EPOCH=0
RUN chmod -R a=rX,u+w /out && chmod 755 /out/bin/node && find /out -exec touch -h -d "@${SOURCE_DATE_EPOCH}" {} +

FROM ${BASE}
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="tcpvs" \
      org.opencontainers.image.description="A layer-7 load balancer dispatched by a weight matrix over hosts x apps" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/lib/libatomic.so.1 /usr/lib/libatomic.so.1
COPY --from=build /out/bin/node /usr/local/bin/node
COPY --from=build /out/tcpvs /opt/tcpvs
# By number: a cluster cannot see that a name is not root.
USER 65532:65532
WORKDIR /opt/tcpvs
ENTRYPOINT ["/usr/local/bin/node", "/opt/tcpvs/tcpvs.mjs"]
CMD ["--help"]
