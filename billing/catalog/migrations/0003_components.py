from django.db import migrations, models

from metabrm.migrating import Together

COMPONENTS = """
CREATE VIEW catalog_packagecomponenthier AS
WITH RECURSIVE component AS (
    SELECT p.id, p.package_id, p.product_id, p.name::text AS label, p.name::text AS label_hier,
           '/' || p.id AS path
    FROM catalog_packageproduct p
    LEFT JOIN catalog_packageproduct above
      ON above.id = p.parent_package_product_id AND above.deleted_at IS NULL
    WHERE p.deleted_at IS NULL AND above.id IS NULL
    UNION ALL
    SELECT p.id, p.package_id, p.product_id, p.name::text, above.label_hier || ' > ' || p.name,
           above.path || '/' || p.id
    FROM component above
    JOIN catalog_packageproduct p ON p.parent_package_product_id = above.id
    WHERE p.deleted_at IS NULL
)
SELECT id, package_id, product_id, label AS package_component_label,
       label_hier AS package_component_label_hier, path AS package_component_path
FROM component
"""


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0002_references'),
    ]

    operations = [
        Together([
            migrations.CreateModel(
                name='PackageComponentHier',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('package_component_label', models.TextField(help_text='Name of the package product.', verbose_name='component')),
                    ('package_component_label_hier', models.TextField(help_text='Names of the package products above it and its own, with > between them.', verbose_name='components down to it')),
                    ('package_component_path', models.TextField(help_text='Ids of the package products above it and its own: /12/15.', verbose_name='path')),
                ],
                options={
                    'verbose_name': 'package component',
                    'verbose_name_plural': 'package components',
                    'db_table': 'catalog_packagecomponenthier',
                    'managed': False,
                },
            ),
            migrations.AddField(
                model_name='product',
                name='sf_last_sync',
                field=models.DateTimeField(blank=True, help_text='When it was last brought in line with it.', null=True, verbose_name='Salesforce last sync'),
            ),
            migrations.AddField(
                model_name='product',
                name='sf_record_id',
                field=models.CharField(blank=True, help_text='Id of its counterpart in Salesforce.', max_length=100, null=True, verbose_name='Salesforce record id'),
            ),
            migrations.AddField(
                model_name='product',
                name='sf_status_error',
                field=models.CharField(blank=True, help_text='Why it could not be brought in line.', max_length=4000, null=True, verbose_name='Salesforce error'),
            ),
            migrations.AddField(
                model_name='product',
                name='sf_sync_batch_id',
                field=models.CharField(blank=True, help_text='Id of the batch that did it.', max_length=100, null=True, verbose_name='Salesforce batch id'),
            ),
        ]),
        migrations.RunSQL(COMPONENTS, 'DROP VIEW catalog_packagecomponenthier'),
    ]
