from django.apps import AppConfig


class RecognitionConfig(AppConfig):
    name = "revrec.recognition"
    label = "recognition"
    verbose_name = "Revenue recognition"
