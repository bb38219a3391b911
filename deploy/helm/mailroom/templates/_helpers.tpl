{{- define "mailroom.name" -}}
{{- printf "%s-mailroom" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "mailroom.labels" -}}
app.kubernetes.io/name: mailroom
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- /* The labels by which the pods of one kind are found: (dict "root" $ "part" "api") */ -}}
{{- define "mailroom.selector" -}}
app.kubernetes.io/name: mailroom
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "mailroom.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "mailroom.container" -}}
image: {{ include "mailroom.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "mailroom.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Replicas are kept on different nodes where there are several. */ -}}
{{- define "mailroom.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{ include "mailroom.selector" . | nindent 8 }}
{{- end -}}

{{- define "mailroom.settings" -}}
- {name: MAILROOM_MODE, value: production}
- {name: MAILROOM_PREFECT_API_URL, value: "http://{{ include "mailroom.name" . }}-prefect:4200/api"}
- {name: MAILROOM_PUBLIC_ADDRESS, value: {{ .Values.publicAddress | quote }}}
- {name: MAILROOM_OWNER_EMAIL, value: {{ .Values.ownerEmail | quote }}}
- {name: MAILROOM_RENDERERS, value: {{ .Values.renderers.count | quote }}}
- {name: MAILROOM_RENDERERS_SOCKET, value: /run/mailroom/renderers.sock}
- {name: MAILROOM_DATABASE_URL_FILE, value: /etc/mailroom/secrets/mailroom-database-url}
- {name: MAILROOM_IDENTITY_KEY_FILE, value: /etc/mailroom/secrets/identity-key}
- {name: MAILROOM_LINK_KEY_FILE, value: /etc/mailroom/secrets/link-key}
- {name: PREFECT_API_AUTH_STRING_FILE, value: /etc/mailroom/secrets/prefect-login}
- {name: MAILROOM_ARTIFACTS_FOLDER, value: /var/lib/mailroom/artifacts}
- {name: MAILROOM_RATE_LIMIT_STORAGE_FILE, value: /etc/mailroom/secrets/redis-url}
{{- range $name, $value := .Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end -}}

{{- define "mailroom.settingsOfApi" -}}
- {name: MAILROOM_API_KEY_FILE, value: /etc/mailroom/secrets/api-key}
- {name: MAILROOM_KEY_PEPPER_FILE, value: /etc/mailroom/secrets/key-pepper}
- {name: MAILROOM_AUDIT_KEY_FILE, value: /etc/mailroom/secrets/audit-key}
- {name: MAILROOM_METRICS_TOKEN_FILE, value: /etc/mailroom/secrets/metrics-token}
- {name: PREFECT_SERVER_ENCRYPTION_KEY_FILE, value: /etc/mailroom/secrets/prefect-encryption-key}
{{- with .Values.trustedProxies }}
- {name: MAILROOM_TRUSTED_PROXIES, value: {{ . | quote }}}
{{- end }}
{{- end -}}

{{- define "mailroom.settingsOfPrefect" -}}
- {name: PREFECT_SERVER_DATABASE_CONNECTION_URL_FILE, value: /etc/mailroom/secrets/prefect-database-url}
- {name: PREFECT_SERVER_ENCRYPTION_KEY_FILE, value: /etc/mailroom/secrets/prefect-encryption-key}
- {name: PREFECT_SERVER_API_AUTH_STRING_FILE, value: /etc/mailroom/secrets/prefect-login}
- {name: PREFECT_REDIS_MESSAGING_URL_FILE, value: /etc/mailroom/secrets/redis-url}
{{- end -}}

{{- /* The volume with exactly these secrets: (dict "root" $ "keys" (list …)) */ -}}
{{- define "mailroom.secrets" -}}
- name: secrets
  secret:
    secretName: {{ .root.Values.secret | quote }}
    defaultMode: 0440
    items:
      {{- range .keys }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end -}}

{{- define "mailroom.keysOfPrefect" -}}
prefect-database-url prefect-encryption-key prefect-login redis-url
{{- end -}}
{{- define "mailroom.keysOfWorker" -}}
mailroom-database-url identity-key link-key prefect-login redis-url
{{- end -}}
{{- define "mailroom.keysOfApi" -}}
mailroom-database-url identity-key link-key prefect-login redis-url api-key key-pepper audit-key metrics-token prefect-encryption-key
{{- end -}}

{{- /* Each pod has a data folder of its own; artifacts alone are shared. */ -}}
{{- define "mailroom.mounts" -}}
- {name: secrets, mountPath: /etc/mailroom/secrets, readOnly: true}
- {name: data, mountPath: /var/lib/mailroom}
- {name: artifacts, mountPath: /var/lib/mailroom/artifacts}
- {name: socket, mountPath: /run/mailroom}
- {name: tmp, mountPath: /tmp}
{{- end -}}
{{- define "mailroom.volumes" -}}
- {name: data, emptyDir: {}}
- {name: socket, emptyDir: {}}
- {name: tmp, emptyDir: {}}
- name: artifacts
  persistentVolumeClaim:
    claimName: {{ .Values.artifacts.existingClaim | default (printf "%s-artifacts" (include "mailroom.name" .)) | quote }}
{{- end -}}

{{- define "mailroom.renderers" -}}
- name: renderers
  {{- include "mailroom.container" . | nindent 2 }}
  args: [renderers]
  env: {{ include "mailroom.settings" . | nindent 4 }}
  volumeMounts: {{ include "mailroom.mounts" . | nindent 4 }}
  resources: {{ toYaml .Values.renderers.resources | nindent 4 }}
  readinessProbe:
    exec: {command: [mailroom, alive, renderers]}
    periodSeconds: 15
    timeoutSeconds: 10
{{- end -}}
