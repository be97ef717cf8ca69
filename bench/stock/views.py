"""A ModelViewSet with the two things everybody adds: many records at once, and upsert by key."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from bench.stock.models import AccountProduct, Wide


class BulkList(serializers.ListSerializer):
    """Many records are created by one bulk_create."""

    def create(self, validated_data: list[dict[str, Any]]) -> list[Any]:
        model = self.child.Meta.model
        return model.objects.bulk_create(model(**d) for d in validated_data)


class AccountProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = AccountProduct
        fields = "__all__"
        list_serializer_class = BulkList


class UpsertSerializer(serializers.ModelSerializer):
    """The same without the unique check: a key that exists is what an upsert is about."""

    class Meta:
        model = AccountProduct
        fields = "__all__"
        extra_kwargs = {"external_key": {"validators": []}}


class WideSerializer(serializers.ModelSerializer):
    class Meta:
        model = Wide
        fields = "__all__"
        list_serializer_class = BulkList


class BulkViewSet(ModelViewSet):
    """Creates a list of records at once, and lists those between two ids."""

    def get_queryset(self) -> QuerySet[Any]:
        found = super().get_queryset()
        asked = self.request.query_params
        if "above" in asked:
            found = found.filter(id__gt=asked["above"], id__lte=asked["upto"])
        return found

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not isinstance(request.data, list):
            return super().create(request, *args, **kwargs)
        serializer = self.get_serializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            serializer.save()
        return Response(serializer.data, status=status.HTTP_201_CREATED)


class WideViewSet(BulkViewSet):
    queryset = Wide.objects.all()
    serializer_class = WideSerializer


class AccountProductViewSet(BulkViewSet):
    queryset = AccountProduct.objects.all()
    serializer_class = AccountProductSerializer

    @action(detail=False, methods=["put"])
    def upsert(self, request: Request) -> Response:
        """Create or update each record by its external key."""
        serializer = UpsertSerializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        answers = []
        with transaction.atomic():
            for values in serializer.validated_data:
                key = values.pop("external_key")
                record, created = AccountProduct.objects.update_or_create(
                    external_key=key, defaults=values
                )
                answers.append({"id": record.pk, "created": created})
        return Response(answers)
