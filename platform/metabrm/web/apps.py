from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "metabrm.web"
    label = "web"
    verbose_name = "Web"
