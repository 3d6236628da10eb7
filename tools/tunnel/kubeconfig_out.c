/*
 * tunnel/kubeconfig_out.c - see tunnel/kubeconfig_out.h.
 */
#include "tools/tunnel/kubeconfig_out.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The certificate as PEM, and that as base64. NULL when memory was refused. */
static char *authority_data(const struct certificate *certificate) {
  BIO *bio = BIO_new(BIO_s_mem());
  char *pem = NULL, *text = NULL;
  long len = 0;
  if (bio && PEM_write_bio_X509(bio, certificate->leaf) == 1) len = BIO_get_mem_data(bio, &pem);
  if (len > 0) text = malloc((size_t)(len + 2) / 3 * 4 + 1);
  if (text) EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)pem, (int)len);
  BIO_free(bio);
  return text;
}

static void put_user(FILE *out, const char *token) {
  if (token)
    fprintf(out, "users:\n- name: weir\n  user:\n    token: \"%s\"\n", token);
  else
    fprintf(out, "users:\n- name: weir\n  user: {}\n");
}

char *kubeconfig_text(const struct kubeconfig_facts *facts) {
  char *text = NULL, *authority = NULL;
  size_t len;
  if (facts->certificate && !(authority = authority_data(facts->certificate))) return NULL;
  FILE *out = open_memstream(&text, &len);
  if (!out) {
    free(authority);
    return NULL;
  }
  fprintf(out, "apiVersion: v1\nkind: Config\ncurrent-context: weir\n");
  fprintf(out, "clusters:\n- name: weir\n  cluster:\n    server: %s\n", facts->server);
  if (authority) fprintf(out, "    certificate-authority-data: %s\n", authority);
  fprintf(out, "contexts:\n- name: weir\n  context:\n    cluster: weir\n    user: weir\n");
  put_user(out, facts->token);
  bool good = !ferror(out);
  good = fclose(out) == 0 && good;
  free(authority);
  if (good) return text;
  free(text);
  return NULL;
}

static bool write_all(int fd, const char *text) {
  size_t len = strlen(text), done = 0;
  while (done < len) {
    ssize_t wrote = write(fd, text + done, len - done);
    if (wrote < 0 && errno != EINTR) return false;
    if (wrote > 0) done += (size_t)wrote;
  }
  return true;
}

bool kubeconfig_write(const char *path, const struct kubeconfig_facts *facts,
                      const struct failure *failure) {
  char *text = kubeconfig_text(facts);
  if (!text) return failure_set(failure, "cannot write %s: out of memory", path);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool good = fd >= 0 && (fchmod(fd, 0600) == 0 || errno == EPERM) && write_all(fd, text);
  int code = errno;
  if (fd >= 0 && close(fd) != 0 && good) {
    good = false;
    code = errno;
  }
  free(text);
  return good || failure_set(failure, "cannot write %s: %s", path, strerror(code));
}
