"""`python -m bench.stock.users`: a user, made where missing, and his token on stdout."""

from datetime import timedelta

import django
from django.db import connection

django.setup()


def main() -> None:
    from django.contrib.auth.models import User
    from rest_framework_simplejwt.tokens import AccessToken

    if User._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(User)
    user, _ = User.objects.get_or_create(username="stock")
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=timedelta(hours=6))
    print(token)


if __name__ == "__main__":
    main()
