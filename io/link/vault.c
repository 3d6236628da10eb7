/*
 * link/vault.c - see link/vault.h.
 */
#include "io/link/vault.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "io/link/splicer.h"

_Static_assert(VAULT_CELL_BYTES <= UINT32_MAX, "a place has 32 bits");

/* ---- names ----------------------------------------------------------------------------------- */

/* Of a 64-bit address: the highest bit, 31 bits for the cell, 32 for the place. */
static struct span name(uint32_t number, size_t len) {
  uint64_t address = UINT64_C(1) << 63 | (uint64_t)number << 32;
  return span_of((const uint8_t *)(uintptr_t)address, len); /* NOLINT: it is no pointer */
}

static uint32_t place_of(struct span vaulted) {
  return (uint32_t)(uintptr_t)vaulted.base;
}

static struct vault_cell *cell_of(struct vault *vault, struct span vaulted) {
  uint64_t number = (uint64_t)(uintptr_t)vaulted.base << 1 >> 33;
  assert(span_is_vaulted(vaulted) && number < VAULT_CELLS);
  return &vault->cells[number];
}

/* ---- pipes ----------------------------------------------------------------------------------- */

static void close_pipe(struct vault_cell *cell) {
  if (!cell->is_open) return;
  close(cell->in);
  close(cell->out);
  cell->is_open = false;
}

/* If it is refused, it is asked for again the next time. */
static bool open_pipe(struct vault_cell *cell) {
  int ends[2];
  if (cell->is_open) return true;
  if (!splicer_may() || pipe2(ends, O_CLOEXEC | O_NONBLOCK)) return false;
  cell->out = ends[0];
  cell->in = ends[1];
  cell->is_open = true;
  if (fcntl(cell->in, F_SETPIPE_SZ, VAULT_PIPE_BYTES) >= 0) return true;
  close_pipe(cell);
  return false;
}

/* ---- cells ----------------------------------------------------------------------------------- */

static void give_back(struct vault *vault, struct vault_cell *cell) {
  if (cell->sent < cell->filled) close_pipe(cell);
  vault->free[vault->free_count++] = (uint16_t)(cell - vault->cells);
}

void vault_hold(struct vault *vault, struct span vaulted) {
  cell_of(vault, vaulted)->holders++;
}

void vault_release(struct vault *vault, struct span vaulted) {
  struct vault_cell *cell = cell_of(vault, vaulted);
  assert(cell->holders > 0);
  if (--cell->holders == 0) give_back(vault, cell);
}

static void hold(struct machine_vault *vault, struct span vaulted) {
  vault_hold((struct vault *)vault, vaulted);
}

static void release(struct machine_vault *vault, struct span vaulted) {
  vault_release((struct vault *)vault, vaulted);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

struct span vault_receive(struct vault *vault, int fd, size_t max, ssize_t *result) {
  struct span nothing = span_of(NULL, 0);
  *result = -ENOBUFS;
  if (vault->free_count == 0) return nothing;
  uint16_t number = vault->free[vault->free_count - 1];
  struct vault_cell *cell = &vault->cells[number];
  if (!open_pipe(cell)) return nothing;
  if (max > VAULT_CELL_BYTES) max = VAULT_CELL_BYTES;
  *result = splice(fd, NULL, cell->in, NULL, max, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (*result < 0) *result = -errno;
  if (*result <= 0) return nothing;
  vault->free_count--;
  cell->holders = 1;
  cell->filled = (uint32_t)*result;
  cell->sent = 0;
  return name(number, (size_t)*result);
}

ssize_t vault_send(struct vault *vault, struct span vaulted, int fd, bool more) {
  struct vault_cell *cell = cell_of(vault, vaulted);
  assert(cell->is_open && place_of(vaulted) == cell->sent);
  assert(vaulted.len <= cell->filled - cell->sent);
  unsigned flags = SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0u);
  ssize_t sent = splice(cell->out, NULL, fd, NULL, vaulted.len, flags);
  if (sent < 0) return -errno;
  cell->sent += (uint32_t)sent;
  return sent;
}

/* ---- life ------------------------------------------------------------------------------------ */

void vault_open(struct vault *vault) {
  vault->base = (struct machine_vault){.hold = hold, .release = release};
  for (uint16_t i = 0; i < VAULT_CELLS; i++)
    vault->free[i] = (uint16_t)(VAULT_CELLS - 1 - i);
  vault->free_count = VAULT_CELLS;
}

void vault_close(struct vault *vault) {
  for (uint16_t i = 0; i < VAULT_CELLS; i++)
    close_pipe(&vault->cells[i]);
}
