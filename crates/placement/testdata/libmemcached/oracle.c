/* Asks libmemcached which server owns each key: oracle DISTRIBUTION HASH < questions (the form is in vectors.py).
 * Nothing is connected to: memcached_generate_hash answers from the list of servers alone. */
#include <libmemcached/memcached.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const HASHES[] = {"one_at_a_time", "md5",        "crc",   "fnv1_64", "fnv1a_64", "fnv1_32",
                                     "fnv1a_32",      "hsieh",      "murmur", "jenkins", "murmur3"};

static void set(memcached_st *client, memcached_behavior_t behavior, uint64_t value) {
  if (memcached_success(memcached_behavior_set(client, behavior, value))) return;
  fprintf(stderr, "behavior %d does not take %lu\n", (int)behavior, (unsigned long)value);
  exit(1);
}

static void configure(memcached_st *client, const char *distribution, const char *hash) {
  uint64_t chosen = 0;
  while (strcmp(HASHES[chosen], hash) != 0)
    if (++chosen == sizeof HASHES / sizeof *HASHES) exit(2);
  if (!strcmp(distribution, "weighted")) {
    set(client, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1); /* this sets the key hash to MD5, so the hash comes after */
  } else if (!strcmp(distribution, "consistent")) {
    set(client, MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_CONSISTENT);
  } else if (!strcmp(distribution, "spy")) {
    set(client, MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA_SPY);
  } else if (!strcmp(distribution, "spy-weighted")) {
    set(client, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
    set(client, MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA_SPY);
  } else {
    set(client, MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_MODULA);
  }
  set(client, MEMCACHED_BEHAVIOR_HASH, chosen);
}

int main(int count, char **words) {
  if (count != 3) return 2;
  memcached_st *client = memcached_create(NULL);
  configure(client, words[1], words[2]);

  char line[1024];
  memcached_server_list_st servers = NULL;
  while (fgets(line, sizeof line, stdin) && line[0] != '\n') {
    char host[256];
    unsigned port, weight;
    memcached_return_t added;
    if (sscanf(line, "%255s %u %u", host, &port, &weight) != 3) return 2;
    servers = memcached_server_list_append_with_weight(servers, host, (in_port_t)port, weight, &added);
    if (memcached_failed(added)) return 1;
  }
  if (memcached_failed(memcached_server_push(client, servers))) return 1;

  while (fgets(line, sizeof line, stdin)) {
    unsigned char key[512];
    size_t length = 0;
    for (char *at = line; sscanf(at, "%2hhx", &key[length]) == 1; at += 2) length++;
    printf("%u\n", memcached_generate_hash(client, (char *)key, length));
  }
  return 0;
}
