"""Secrets in plain text are told from names, places and references."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.control.inventory.place import Place
from edgectl.control.inventory.plaintext import plain_secrets
from edgectl.control.inventory.tree import Tree

HERE = Place("inventory.yaml", 1, 1)
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n"


def tree(value: Any) -> Tree:
    """Make a tree of a JSON value."""
    if isinstance(value, dict):
        return Tree({key: tree(child) for key, child in value.items()}, HERE, HERE)
    return Tree([tree(item) for item in value] if isinstance(value, list) else value, HERE, HERE)


def values(values: dict[str, Any]) -> dict[str, Any]:
    """Return a store with a release of these values."""
    return {"releases": {"app": {"values": values}}}


@pytest.mark.parametrize(
    ("store", "path"),
    [
        (values({"password": "hunter2"}), "values.password"),
        (values({"adminPassword": "prom-operator"}), "values.adminPassword"),
        (values({"auth": {"rootPassword": "change-me"}}), "values.auth.rootPassword"),
        (values({"DB_PASSWD": "x"}), "values.DB_PASSWD"),
        (values({"smtp-pass": "x"}), "values.smtp-pass"),
        (values({"password": 123456}), "values.password"),
        (values({"apiToken": "3f9a8b"}), "values.apiToken"),
        (values({"auth": {"token": "abc"}}), "values.auth.token"),
        (values({"clientSecret": "3f9a8b"}), "values.clientSecret"),
        (values({"cookie_secret": "0f3a"}), "values.cookie_secret"),
        (values({"secret": "Tr0ub4dor"}), "values.secret"),
        (values({"apiKey": "3f9a8b"}), "values.apiKey"),
        (values({"APIKey": "3f9a8b"}), "values.APIKey"),
        (values({"accessKey": "minio"}), "values.accessKey"),
        (values({"s3": {"secretKey": "minio123"}}), "values.s3.secretKey"),
        (values({"tls": {"privateKey": "MHcCAQEE"}}), "values.tls.privateKey"),
        (values({".dockerconfigjson": '{"auths": {}}'}), "values..dockerconfigjson"),
        (values({"env": [{"name": "MQTT_PASSWORD", "value": "x"}]}), "values.env.0 (MQTT_PASSWORD)"),
        (values({"env": {"MQTT_PASSWORD": "x"}}), "values.env.MQTT_PASSWORD"),
        (values({"args": ["--db-password=x"]}), "values.args.0"),
        (values({"dsn": "postgres://app:x@db/app"}), "values.dsn"),
        (values({"hook": "https://hooks.example/in?token=3f9a8b"}), "values.hook"),
        (values({"headers": {"Authorization": "Bearer 3f9a8b7c6d5e4f3a2b"}}), "values.headers.Authorization"),
        (values({"notes": "ghp_" + "a1" * 18}), "values.notes"),
        (values({"notes": "K10" + "ab" * 32 + "::server:1"}), "values.notes"),
        (values({"ca": KEY}), "values.ca"),
        ({"k3s": {"config": {"etcd-s3-session-token": "x"}}}, "k3s.config.etcd-s3-session-token"),
        ({"k3s": {"kubelet": {"staticPodURLHeader": {"x-token": "abc"}}}}, "k3s.kubelet.staticPodURLHeader.x-token"),
        ({"k3s": {"registries": {"mirrors": {"a": {"endpoint": ["https://u:p@m"]}}}}}, "k3s.registries.mirrors.a.e"),
        ({"cameras": {"door": {"url": "rtsp://admin:x@10.0.0.1/1"}}}, "cameras.door.url"),
        ({"cameras": {"door": {"url": "rtsp://10.0.0.1/user=a&password=x&channel=1"}}}, "cameras.door.url"),
        ({"host": {"files": [{"path": "/etc/k", "text": KEY}]}}, "host.files.0.text"),
        ({"host": {"files": [{"path": "/etc/a.env", "text": "A=1\nexport API_TOKEN='x1'\n"}]}}, "host.files.0.text"),
        ({"host": {"files": [{"path": "/etc/a.yaml", "text": "user: a\npassword: x1\n"}]}}, "host.files.0.text"),
        ({"ssh": {"keys": [KEY]}}, "ssh.keys.0"),
    ],
)
def test_a_secret_is_found_and_not_shown(store: dict[str, Any], path: str) -> None:
    """Law: one finding, with its path and what to do, without the value. Seeded fault: the value in the sentence."""
    ((_, sentence),) = plain_secrets(tree(store))
    assert path in sentence
    assert "docs/secrets.md" in sentence
    assert not any(value in sentence for value in ("hunter2", "3f9a8b", "prom-operator", "123456", "minio123", "b3Bl"))


@pytest.mark.parametrize(
    "store",
    [
        values({"existingSecret": "app", "secretName": "app-tls", "passwordSecret": "db", "tlsSecret": "wildcard"}),
        values({"imagePullSecrets": [{"name": "registry"}], "pullSecret": "registry"}),
        values({"tokenSecretRef": {"name": "app", "key": "token"}, "passwordKey": "password"}),
        values({"passwordFile": "/run/secrets/password", "token": "/var/run/token", "privateKey": "tls.key"}),
        values({"password": "", "token": None, "secret": {"secretName": "app"}, "tokens": 512}),
        values({"automountServiceAccountToken": True, "createSecret": True, "serviceAccountToken": {"path": "token"}}),
        values({"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]}),
        values({"env": [{"name": "PASSWORD_FILE", "value": "/run/p"}, {"name": "MODE", "value": "token"}]}),
        values({"password": "{{ .Values.global.password }}", "token": "${TOKEN}", "apiKey": "$API_KEY"}),
        values({"args": ["--token-file=/run/token", "--password=$(PASSWORD)", "--max-tokens=512"]}),
        values({"eosToken": "</s>", "padToken": "<pad>", "maxTokens": "512", "tokenizer": "bert", "stop_token": "END"}),
        values({"secret": "camera-credentials", "secretKey": "password", "key": "nvidia.com/gpu"}),
        values({"url": "https://example.org:8443/a@b", "git": "git@github.com:a/b.git", "mail": "a:b@c"}),
        values({"rtsp": "rtsp://admin@10.0.0.1/1", "dsn": "postgres://app:$(PW)@db/app", "u": "http://h/?token=$T"}),
        values({"text": "Basic authentication is off", "about": "a Bearer of news", "passwordPolicy": "strict"}),
        values({"publicKey": "ssh-ed25519 AAAA", "keyId": "AKID", "accessKeyId": "x", "compass": "north", "pass": "1"}),
        values(
            {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}], "privateKeySecretRef": {"name": "a"}}
        ),
        {"cameras": {"door": {"url": "rtsp://10.0.0.1:554/1", "secret": "door"}}},
        {"k3s": {"config": {"token-file": "/etc/t", "disable": ["traefik"], "secrets-encryption": True}}},
        {"k3s": {"registries": {"mirrors": {"docker.io": {"endpoint": ["https://mirror.example:5000"]}}}}},
        {"host": {"files": [{"path": "/etc/a.conf", "text": "# password: see the vault\ntoken_file=/run/t\nx = 1\n"}]}},
        {"secrets": {"app": {"keys": {"PASSWORD": {"env": "APP_PASSWORD"}, "TOKEN": {"exec": ["a", "-token=b"]}}}}},
        {"ssh": {"sudo_password": {"env": "SUDO_PASSWORD"}, "keys": ["~/.ssh/private-key"]}},
    ],
)
def test_what_only_looks_like_one_is_left_alone(store: dict[str, Any]) -> None:
    """Law: names, places, variables, templates and the words of models are no secrets. Seeded fault: each of them."""
    assert list(plain_secrets(tree(store))) == []
