# The image of wsproxy: `docker run IMAGE --help`. docker-compose.yml runs it in front of an emulated device.
FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements/build.txt requirements/run.txt requirements/
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/build.txt
RUN python -m venv /opt/wsproxy \
    && /opt/wsproxy/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY wsproxy wsproxy
RUN /opt/build/bin/python -m build --wheel --no-isolation \
    && /opt/wsproxy/bin/pip install --no-cache-dir --no-deps --no-index dist/*.whl \
    && /opt/wsproxy/bin/pip check

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home wsproxy \
    && install -d -o wsproxy -g wsproxy -m 0700 /recordings /home/wsproxy/.mitmproxy
COPY --from=build /opt/wsproxy /opt/wsproxy
COPY addons /addons
ENV PATH=/opt/wsproxy/bin:$PATH PYTHONUNBUFFERED=1
USER wsproxy
WORKDIR /home/wsproxy
VOLUME ["/recordings", "/home/wsproxy/.mitmproxy"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 8080), 2).close()"]
ENTRYPOINT ["wsproxy"]
CMD ["--help"]
