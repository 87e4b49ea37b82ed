# The one image: the firebreak binary, and docker-explorer for the workers that analyze snapshots.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /firebreak ./cmd/firebreak

FROM python:3.11-slim-bookworm
RUN pip install --no-cache-dir docker-explorer==20230719 \
 && useradd --system --uid 10001 --home-dir /var/lib/firebreak --create-home firebreak \
 && install -d -o firebreak -g firebreak /var/lib/firebreak/evidence /var/lib/firebreak/tickets
COPY --from=build /firebreak /usr/local/bin/firebreak
USER 10001
WORKDIR /var/lib/firebreak
ENTRYPOINT ["/usr/local/bin/firebreak"]
CMD ["--help"]
