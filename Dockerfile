# Tollgate on Debian 12: built in one stage, run in a small one, not as root.
FROM debian:12-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev make pkg-config \
        libevent-dev libssl-dev libpq-dev libcjson-dev libcjose-dev libcurl4-openssl-dev \
        python3 python3-yaml nodejs npm \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Makefile ./
COPY common common
COPY gateway gateway
COPY migrations migrations
COPY config config
COPY docs/openapi.yaml docs/openapi.yaml
COPY dashboard dashboard
# COMMIT: for `tollgate --version`; there is no .git here.
ARG COMMIT=
RUN make all COMMIT="$COMMIT"

FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
        libevent-2.1-7 libevent-openssl-2.1-7 libssl3 libpq5 libcjson1 libcjose0 libcurl4 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /var/lib/tollgate --create-home tollgate
COPY --from=build /src/build/release/tollgate /usr/local/bin/tollgate
COPY config/compose.json /etc/tollgate/tollgate.json
USER tollgate
WORKDIR /var/lib/tollgate
EXPOSE 8787 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["tollgate"]
HEALTHCHECK --interval=5s --timeout=6s --start-period=10s CMD ["tollgate", "health"]
CMD ["serve"]
