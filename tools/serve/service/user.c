/*
 * serve/service/user.c - see serve/service/user.h.
 */
#include "tools/serve/service/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "engine/base/decimal.h"
#include "engine/base/text.h"
#include "tools/common/failure.h"
#include "tools/serve/limits.h"

struct identity {
  char name[SERVE_USER_NAME_BYTES]; /* "" if only a number is known */
  uid_t user;
  gid_t group;
  bool has_group; /* GROUP was given, or the user's own is known */
  bool only_group;
};

/* (uid_t)-1 means "leave it" to the kernel. */
static bool is_number(const char *text, uint64_t *number) {
  return decimal_within(span_text(text), 0, UINT32_MAX - 1, number);
}

static bool find_user(struct identity *who, const char *name, struct io_error *error) {
  uint64_t number;
  bool by_number = is_number(name, &number);
  errno = 0;
  const struct passwd *found = by_number ? getpwuid((uid_t)number) : getpwnam(name);
  if (found) {
    snprintf(who->name, sizeof who->name, "%s", found->pw_name);
    who->user = found->pw_uid;
    who->group = found->pw_gid;
    who->has_group = true;
    return true;
  }
  if (!by_number) return io_error_set(error, errno, "%s: there is no such user", name);
  who->user = (uid_t)number;
  return true;
}

static bool find_group(struct identity *who, const char *name, struct io_error *error) {
  uint64_t number;
  const struct group *found = getgrnam(name);
  if (!found && !is_number(name, &number))
    return io_error_set(error, errno, "%s: there is no such group", name);
  who->group = found ? found->gr_gid : (gid_t)number;
  who->has_group = who->only_group = true;
  return true;
}

static bool find(struct identity *who, const char *text, struct io_error *error) {
  char name[SERVE_USER_NAME_BYTES];
  const char *colon = strchr(text, ':');
  size_t len = colon ? (size_t)(colon - text) : strlen(text);
  *who = (struct identity){.has_group = false};
  if (len == 0 || len >= sizeof name || (colon && !colon[1]))
    return io_error_set(error, 0, "%.100s: expected NAME or NAME:GROUP", failure_shown(text));
  memcpy(name, text, len);
  name[len] = 0;
  if (!find_user(who, name, error) || (colon && !find_group(who, colon + 1, error))) return false;
  return who->has_group ||
         io_error_set(error, 0, "%s: no such user is known, so it needs a group: %s:GROUP", name,
                      name);
}

bool user_try(const char *text, struct io_error *error) {
  struct identity who;
  return find(&who, text, error);
}

static bool find_given(struct identity *who, const char *text, struct io_error *error) {
  if (find(who, text, error)) return true;
  const struct io_error found = *error;
  return io_error_set(error, 0, "--user %s", found.text);
}

/* O_EXCL follows no link: in a directory that others may write to, it could lead anywhere. */
bool user_make_file(const char *text, const char *path, struct io_error *error) {
  struct identity who;
  if (!find_given(&who, text, error)) return false;
  if (geteuid() != 0) return true;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (fd < 0) return true;
  bool given = fchown(fd, who.user, who.group) == 0;
  if (!given)
    io_error_set(error, errno, "%s: cannot be given to %s: %s", path, text, strerror(errno));
  close(fd);
  return given;
}

/* Groups first: a user may not change them. */
static bool change(const struct identity *who) {
  int groups = who->name[0] && !who->only_group ? initgroups(who->name, who->group)
                                                : setgroups(1, &who->group);
  return groups == 0 && setresgid(who->group, who->group, who->group) == 0 &&
         setresuid(who->user, who->user, who->user) == 0;
}

static bool has_way_back(const struct identity *who) {
  uid_t real, effective, saved;
  gid_t group, effective_group, saved_group;
  if (getresuid(&real, &effective, &saved) || getresgid(&group, &effective_group, &saved_group))
    return true;
  if (real != who->user || effective != who->user || saved != who->user) return true;
  if (group != who->group || effective_group != who->group || saved_group != who->group)
    return true;
  return who->user != 0 && setuid(0) == 0;
}

bool user_gain_nothing(struct io_error *error) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) return true;
  return io_error_set(error, errno, "no_new_privs: %s", strerror(errno));
}

bool user_become(const char *text, struct io_error *error) {
  struct identity who;
  if (!find_given(&who, text, error)) return false;
  bool is_root = geteuid() == 0;
  if (!is_root && geteuid() != who.user)
    return io_error_set(error, EPERM, "--user %s: only root can become another user", text);
  if (is_root && !change(&who))
    return io_error_set(error, errno, "--user %s: %s", text, strerror(errno));
  if (is_root && has_way_back(&who))
    return io_error_set(error, 0, "--user %s: root's privileges could not be given up", text);
  return true;
}
