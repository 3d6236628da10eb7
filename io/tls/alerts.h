/*
 * tls/alerts.h - the alerts and record types that this folder itself sends and reads.
 * Spec: RFC 8446 sections 5.1 and 6.
 */
#ifndef WEIR_TLS_ALERTS_H
#define WEIR_TLS_ALERTS_H

enum tls_content {
  TLS_CONTENT_ALERT = 21,
  TLS_CONTENT_HANDSHAKE = 22,
  TLS_CONTENT_APPLICATION = 23,
};

enum tls_handshake_type {
  TLS_NEW_SESSION_TICKET = 4,
  TLS_KEY_UPDATE = 24,
};

enum tls_alert {
  TLS_ALERT_CLOSE_NOTIFY = 0,
  TLS_ALERT_UNEXPECTED_MESSAGE = 10,
  TLS_ALERT_BAD_RECORD_MAC = 20,
  TLS_ALERT_RECORD_OVERFLOW = 22,
  TLS_ALERT_ILLEGAL_PARAMETER = 47,
  TLS_ALERT_DECODE_ERROR = 50,
  TLS_ALERT_INTERNAL_ERROR = 80,
  TLS_ALERT_USER_CANCELED = 90,
};

#endif
