# Sheaf for any place that runs containers; docs/containers.md tells how to use it.
#
# Where pip needs settings of its own, and an authority to trust, they are given as secrets, which
# no layer keeps: --secret id=pip,src=pip.conf --secret id=ca,src=ca.pem (in it: cert=/run/secrets/ca).

ARG BASE=python:3.13-slim

# ---- Everything is put together here, where it does not matter what is left behind -------------

FROM ${BASE} AS build
COPY requirements/container.txt /tmp/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --no-deps \
        --require-hashes --only-binary=:all: --requirement /tmp/container.txt \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib
WORKDIR /srv/sheaf
COPY functions layers/common template.yaml ./
COPY local/__init__.py local/
COPY local/gateway local/gateway
# Apart: a site has no sign-in of its own and no key that signs.
COPY local/laptop /srv/laptop/local/laptop
RUN rm -r sheaf/cli && python -m compileall -q --invalidation-mode unchecked-hash /srv && chmod -R go=rX /srv

# ---- The site -------------------------------------------------------------------------------------

FROM ${BASE} AS site
ARG BUILD=0
ENV PATH=/opt/venv/bin:$PATH \
    POWERTOOLS_METRICS_NAMESPACE=Sheaf \
    POWERTOOLS_SERVICE_NAME=sheaf \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SHEAF_BUILD=${BUILD}
WORKDIR /srv/sheaf
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/sheaf ./
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; \
r.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\") or 8000}/api/health', timeout=9)"]
ENTRYPOINT ["python", "-m", "local.gateway.container"]
CMD ["gateway"]

# ---- The site with the sign-in of a laptop, which takes everybody's word: only if asked for --------

FROM site AS laptop
COPY --from=build /srv/laptop ./
ENTRYPOINT ["python", "-m", "local.laptop.app"]
CMD []

FROM site
