"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Argon2id as RFC 9106 recommends it where memory is scarce: every thread of every web worker
    may be hashing. Hashes made otherwise are renewed when their password is right."""

    time_cost = 3
    memory_cost = 64 * 1024
    parallelism = 4
